//! One caller: what is said when, and what of the robot's answers is heard.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::figures::Figures;
use crate::prompt::{FRAME, Heard, Mark, Prompt};
use crate::sounds::{Sounds, WORDS, WireFrame};

/// One in so many prompts is interrupted, …
const INTERRUPTS_ONE_IN: usize = 3;
/// … after so many frames and fewer than so many more: half a second to one and a half.
const INTERRUPTION_FRAMES: (usize, usize) = (25, 50);
/// A prompt heard to its end is answered after so many frames and fewer than so many more.
const PAUSE_FRAMES: (usize, usize) = (10, 40);
/// A prompt of which nothing comes for so long was stopped.
const STOPPED_AFTER: Duration = Duration::from_millis(100);
/// A sentence without an answer is said again after so many frames: 6 s.
const PATIENCE_FRAMES: usize = 300;
/// So many frames in which nothing happens, and the caller says something: 8 s.
const SILENCE_FRAMES: usize = 400;

/// A caller in a call.
pub(crate) struct Caller {
    sounds: Rc<Sounds>,
    dice: Dice,
    speaks: Speaks,
    /// The sentence that is to be answered.
    asked: Option<Asked>,
    playing: Option<Mark>,
    /// Speech over a prompt: since when, and when the prompt was last heard.
    barge_in: Option<(Instant, Instant)>,
    /// Silence after the last frame of a prompt that has not ended.
    silent: usize,
    /// So much of it while the caller had nothing to say either.
    hole: usize,
    /// Frames since anything was heard or said.
    idle: usize,
    /// Sentences that got the answer they asked for.
    pub(crate) understood: usize,
}

/// What the caller's mouth does.
#[derive(Clone, Copy, Debug)]
enum Speaks {
    No,
    /// Begins after so many frames.
    In(usize),
    /// This frame of the sentence with this word is next.
    Sentence(usize, usize),
}

/// A sentence that is to be answered.
#[derive(Clone, Copy, Debug)]
struct Asked {
    word: usize,
    /// Frames since its first.
    frames: usize,
    /// When the frame was sent that lets ears know that it is over.
    over: Option<Instant>,
    /// Something was played before it was over, as when nobody recognises.
    cut_short: bool,
}

impl Caller {
    pub(crate) fn new(sounds: Rc<Sounds>, dice: Dice) -> Self {
        Self {
            sounds,
            dice,
            speaks: Speaks::No,
            asked: None,
            playing: None,
            barge_in: None,
            silent: 0,
            hole: 0,
            idle: 0,
            understood: 0,
        }
    }

    /// The next 20 ms of the caller's, which are sent now.
    pub(crate) fn say(&mut self, now: Instant, figures: &mut Figures) -> WireFrame {
        self.idle += 1;
        self.follow_question(now, figures);
        if self.idle > SILENCE_FRAMES {
            self.speaks = Speaks::In(0);
        }
        match self.speaks {
            Speaks::In(0) => {
                let word = self.dice.roll(WORDS.len());
                self.ask(word, now);
                self.speaks = Speaks::Sentence(word, 0);
            }
            Speaks::In(frames) => self.speaks = Speaks::In(frames - 1),
            Speaks::No | Speaks::Sentence(..) => {}
        }
        let Speaks::Sentence(word, at) = self.speaks else { return self.sounds.silence };
        self.idle = 0;
        let sentence = &self.sounds.sentences[word];
        self.speaks =
            if at + 1 < sentence.len() { Speaks::Sentence(word, at + 1) } else { Speaks::No };
        sentence[at]
    }

    /// A frame of the robot's has come.
    pub(crate) fn hear(&mut self, heard: Heard, now: Instant, figures: &mut Figures) {
        match heard {
            Heard::Silence => self.hear_nothing(now, figures),
            Heard::Strange => figures.strange += 1,
            Heard::Mark(mark) => {
                self.idle = 0;
                match self.playing {
                    Some(last) if last.prompt == mark.prompt && mark.index > 0 => {
                        self.goes_on(last, mark, figures);
                    }
                    _ => self.begins(mark, now, figures),
                }
                if let Some((_, last)) = &mut self.barge_in {
                    *last = now;
                }
                self.playing = Some(mark);
                (self.silent, self.hole) = (0, 0);
                if mark.index + 1 == mark.total {
                    self.ended();
                }
            }
        }
    }

    fn hear_nothing(&mut self, now: Instant, figures: &mut Figures) {
        if let Some((began, last)) = self.barge_in {
            if now.duration_since(last) >= STOPPED_AFTER {
                figures.barge_ins.push(last.duration_since(began));
                self.barge_in = None;
                self.playing = None;
            }
        } else if self.playing.is_some() {
            // What stops while the caller speaks was interrupted, whoever began first.
            self.hole += usize::from(self.asked.is_none());
            self.silent += 1;
            if FRAME * self.silent as u32 >= STOPPED_AFTER {
                // It never went on.
                figures.holes += self.hole;
                self.ended();
            }
        }
    }

    fn goes_on(&self, last: Mark, mark: Mark, figures: &mut Figures) {
        let step = mark.index - last.index;
        figures.lost += usize::try_from(step - 1).unwrap_or(0);
        figures.doubled += usize::from(step < 1);
        figures.holes += self.hole;
    }

    fn begins(&mut self, mark: Mark, now: Instant, figures: &mut Figures) {
        figures.lost += usize::try_from(mark.index).unwrap_or(0);
        if let Some((began, last)) = self.barge_in.take() {
            figures.barge_ins.push(last.duration_since(began));
        }
        if let Some(asked) = &mut self.asked {
            asked.cut_short |= asked.over.is_none();
        }
        if let Some(Asked { word, over: Some(over), .. }) = self.asked {
            self.asked = None;
            if WORDS[word].1 == mark.prompt {
                figures.understood += 1;
                self.understood += 1;
                let took = now.duration_since(over).saturating_sub(mark.made_in);
                match mark.prompt {
                    Prompt::Spoken => figures.turns_of_voice.push(took),
                    _ => figures.turns_of_files.push(took),
                }
            } else {
                figures.otherwise += 1;
            }
        }
        if self.dice.roll(INTERRUPTS_ONE_IN) == 0 {
            self.speak_in(INTERRUPTION_FRAMES);
        }
    }

    fn ended(&mut self) {
        self.playing = None;
        self.barge_in = None;
        (self.silent, self.hole) = (0, 0);
        self.speak_in(PAUSE_FRAMES);
    }

    fn speak_in(&mut self, (least, more): (usize, usize)) {
        if matches!(self.speaks, Speaks::No) && self.asked.is_none() {
            self.speaks = Speaks::In(least + self.dice.roll(more));
        }
    }

    fn ask(&mut self, word: usize, now: Instant) {
        self.asked = Some(Asked { word, frames: 0, over: None, cut_short: false });
        if self.playing.is_some() {
            self.barge_in = Some((now, now));
        }
    }

    fn follow_question(&mut self, now: Instant, figures: &mut Figures) {
        let Some(asked) = &mut self.asked else { return };
        asked.frames += 1;
        // The earliest that ears can know: what is measured from there is rather too long.
        let [(_, over_at), _] = self.sounds.heard[asked.word];
        if asked.frames == over_at {
            asked.over = Some(now);
        }
        if asked.frames > PATIENCE_FRAMES {
            let answered =
                if asked.cut_short { &mut figures.otherwise } else { &mut figures.unanswered };
            *answered += 1;
            self.asked = None;
            self.speak_in(PAUSE_FRAMES);
        }
    }
}
