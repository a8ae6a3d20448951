//! `telephonist graph`: a script as a picture, with what calls did if a database knows.

use std::path::PathBuf;

use jiff::civil::DateTime;

use super::{Exit, fmt, print, scripts, wait_for};
use crate::graph::{Graph, Passage};
use crate::script::Outline;
use crate::store::{self, Counted, Hits};

/// Draw a script as Mermaid, DOT or SVG
#[derive(clap::Args)]
pub(super) struct Args {
    /// Script file, or name below flows/
    script: PathBuf,
    /// How it is drawn [default: by the ending of --out, else mermaid]
    #[arg(long)]
    format: Option<Format>,
    /// Write to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show what calls did: `mysql://…` or `sqlite://…`, read only
    #[arg(long, value_name = "DATABASE_URL")]
    from: Option<String>,
    /// Only calls that began then or later: 2024-05-01 or "2024-05-01 08:00:00"
    #[arg(long, value_name = "DATE", requires = "from")]
    since: Option<DateTime>,
    /// The table of conversations
    #[arg(long, default_value = "conversation", requires = "from")]
    table: String,
    /// The script's name in the rows [default: its path below flows/ without .json]
    #[arg(long, requires = "from")]
    name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Mermaid,
    Dot,
    Svg,
}

pub(super) fn run(args: &Args) -> Exit {
    match draw(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn draw(args: &Args) -> Result<Exit, Exit> {
    let file = scripts::find(&args.script);
    let script = scripts::load_or_tell(&file)?;
    let tell = |error: std::io::Error| {
        eprintln!("{}: {error}", file.display());
        Exit::Usage
    };
    let bytes = scripts::read(&file).map_err(tell)?;
    let outline = Outline::read(&script, &String::from_utf8_lossy(&bytes));
    let mut graph = Graph::new(&script, &outline);
    if let Some(url) = &args.from {
        let name = args.name.as_deref().unwrap_or(&script.name);
        let hits = hits(args, url, name)?;
        if hits.is_empty() {
            eprintln!("{}: there are no calls of {name}", args.table);
        }
        graph.count(hits.iter().map(passage));
    }
    let drawn = match args.format() {
        Format::Mermaid => graph.mermaid(),
        Format::Dot => graph.dot(),
        Format::Svg => graph.svg(),
    };
    let Some(out) = &args.out else { return Ok(print(&drawn)) };
    let written =
        if out.exists() { fmt::replace(out, &drawn) } else { std::fs::write(out, &drawn) };
    match written {
        Ok(()) => Ok(Exit::Fine),
        Err(error) => {
            eprintln!("{}: {error}", out.display());
            Err(Exit::Unavailable)
        }
    }
}

impl Args {
    fn format(&self) -> Format {
        let ending = self.out.as_deref().and_then(|out| out.extension()?.to_str());
        self.format.unwrap_or(match ending {
            Some("svg") => Format::Svg,
            Some("dot" | "gv") => Format::Dot,
            _ => Format::Mermaid,
        })
    }
}

fn hits(args: &Args, url: &str, script: &str) -> Result<Vec<Hits>, Exit> {
    let since = args.since.map(|since| since.strftime("%Y-%m-%d %H:%M:%S").to_string());
    let since = since.unwrap_or_default();
    let counted = Counted { url, table: &args.table, script, since: &since };
    wait_for(store::hits(&counted))?.map_err(|error| {
        eprintln!("{error}");
        if error.is_transient() { Exit::Unavailable } else { Exit::Usage }
    })
}

fn passage(hits: &Hits) -> Passage<'_> {
    Passage {
        current: &hits.current,
        input_type: hits.input_type,
        condition_id: &hits.condition_id,
        response_type: hits.response_type,
        response_id: &hits.response_id,
        is_repeated: hits.is_repeated,
        ending: &hits.ending,
        rows: hits.rows,
    }
}
