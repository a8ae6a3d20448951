//! Calls, from the first event to the last row.

use crate::fake_freeswitch::FakeFreeswitch;
use crate::running::Attached;

async fn daemon(more: &str) -> (FakeFreeswitch, Attached) {
    let fake = FakeFreeswitch::start("ClueCon").await;
    let daemon = Attached::start(&fake, more);
    daemon.says("\"ready\":true").await;
    (fake, daemon)
}

/// The same, with a switch that connects to the daemon for each call.
async fn outbound(more: &str) -> (FakeFreeswitch, Attached) {
    let (fake, daemon) = daemon(more).await;
    fake.connect_to(daemon.outbound);
    (fake, daemon)
}

#[tokio::test]
async fn a_call_is_held_from_its_greeting_to_its_last_row() {
    is_held_to_its_last_row(daemon("").await).await;
}

#[tokio::test]
async fn a_call_over_the_outbound_socket_is_the_same_call_s15() {
    is_held_to_its_last_row(outbound("").await).await;
}

async fn is_held_to_its_last_row((fake, daemon): (FakeFreeswitch, Attached)) {
    fake.call("u", &[("robot_flow", "ask"), ("robot_var_name", "Ann")]);
    fake.wrote(&["speak", "Would you like one, Ann?"]).await;
    fake.says("u", "Yes!");
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    fake.wrote(&["uuid_kill u"]).await;
    let (rows, classify) = daemon.rows("u").await;
    assert_eq!(rows, ["Start ask → ask 1", "ask FYes! → bye 1", "bye send_bye →  0"],);
    assert_eq!(classify, ["A 1 1"]);
    fake.wrote(&["uuid_setvar", "robot_result", "send_bye"]).await;
}

/// Rows keep what was tried before each answer, if they are asked to.
#[tokio::test]
async fn rows_keep_why_they_answer_so() {
    for (more, why) in [
        (
            "[robot.record]\nexplain = true\n",
            "keywords of own edges and global nodes: bye over the edge yes by \"yes\" at 3",
        ),
        ("", ""),
    ] {
        let (fake, daemon) = daemon(more).await;
        fake.call("u", &[("robot_flow", "ask")]);
        fake.wrote(&["speak", "Would you like one"]).await;
        fake.says("u", "Oh yes!");
        fake.wrote(&["speak", "Goodbye."]).await;
        fake.finish("u");
        assert_eq!(daemon.whys("u").await, ["", why, ""]);
    }
}

/// N10, S12: what a caller says and what a variable holds never reaches the switch as something
/// to be expanded, and never breaks a command in two.
#[tokio::test]
async fn words_are_never_commands_n10() {
    let (fake, daemon) = daemon("").await;
    let evil = "${system(touch X)}|$${y}`z`'\"\r\n\r\napi shutdown";
    fake.call("u", &[("robot_flow", "ask"), ("robot_var_name", evil)]);
    fake.wrote(&["speak", "Would you like one"]).await;
    fake.says("u", evil);
    fake.wrote(&["speak", "You said"]).await;
    fake.hang_up("u");
    let (rows, _) = daemon.rows("u").await;
    assert!(rows[1].starts_with(&format!("ask F{evil}")), "{rows:?}");
    for command in fake.written() {
        assert!(!command.contains('$') && !command.contains('`'), "{command}");
        assert!(!command.starts_with("api shutdown"), "{command}");
        assert!(!command.contains("\r\n\r\n"), "{command}");
    }
}

/// N4: the link is cut in the middle; the call goes on, and nothing is written twice.
#[tokio::test]
async fn a_call_outlives_its_link_n4() {
    let (fake, daemon) = daemon("").await;
    fake.call("u", &[("robot_flow", "ask")]);
    fake.wrote(&["speak", "Would you like one"]).await;
    fake.finish("u");
    fake.cut();
    daemon.says("\"ready\":true").await;
    fake.wrote_times(&["event plain"], 2).await;
    fake.says("u", "yes");
    fake.wrote(&["speak", "Goodbye."]).await;
    fake.finish("u");
    let (rows, classify) = daemon.rows("u").await;
    assert_eq!(rows, ["Start ask → ask 1", "ask Fyes → bye 1", "bye send_bye →  0"]);
    assert_eq!(classify.len(), 1);
}

/// E16, N20: above the limit a call is refused, and that is written down.
#[tokio::test]
async fn a_call_too_many_is_refused_with_rows_e16() {
    let (fake, daemon) = daemon("[calls]\nmax = 1\ndrain = 0\n").await;
    fake.call("first", &[("robot_flow", "ask")]);
    fake.wrote(&["first", "Would you like one"]).await;
    fake.call("second", &[("robot_flow", "ask")]);
    fake.wrote(&["uuid_kill second SWITCH_CONGESTION"]).await;
    let (rows, classify) = daemon.rows("second").await;
    assert_eq!(rows, ["Start ask → ask 1", "ask limit →  0"]);
    assert_eq!(classify, [" 0 0"]);
    assert_eq!(fake.channels(), ["first"]);
}

/// S15: whatever keeps the robot from a call, the dialplan goes on with it, and what was said is
/// written down.
#[tokio::test]
async fn a_call_the_robot_leaves_goes_on_in_its_dialplan_s15() {
    let (fake, mut daemon) = outbound("[calls]\nmax = 1\ndrain = 0\n").await;
    fake.call("first", &[]);
    fake.wrote(&["first", "Would you like one"]).await;
    fake.call("second", &[]);
    fake.went_on("second").await;
    let (rows, _) = daemon.rows("second").await;
    assert_eq!(rows, ["Start ask → ask 1", "ask limit →  0"]);
    daemon.stop();
    fake.went_on("first").await;
    let (rows, classify) = daemon.rows("first").await;
    assert_eq!(rows[1..], ["ask HANGUP() → bye 1", "bye hangup →  0"]);
    assert_eq!(classify.len(), 1);
    assert_eq!(fake.count("uuid_kill"), 0);
}

/// S15: a call whose connection is lost has its last rows.
#[tokio::test]
async fn a_call_ends_with_its_connection_s15() {
    let (fake, daemon) = outbound("").await;
    fake.call("u", &[("robot_flow", "ask")]);
    fake.wrote(&["speak", "Would you like one"]).await;
    fake.cut();
    let (rows, classify) = daemon.rows("u").await;
    assert_eq!(rows[1..], ["ask HANGUP() → bye 1", "bye hangup →  0"]);
    assert_eq!(classify.len(), 1);
}

#[tokio::test]
async fn a_call_for_a_script_that_is_not_there_is_refused() {
    let (fake, _daemon) = daemon("").await;
    fake.call("u", &[("robot_flow", "aks")]);
    fake.wrote(&["uuid_kill u UNALLOCATED_NUMBER"]).await;
}

/// N11: a script sends calls only where the configuration allows.
#[tokio::test]
async fn transfers_go_only_to_allowed_extensions_n11() {
    let (fake, daemon) = daemon("").await;
    let to = |uuid, extension| {
        fake.call(uuid, &[("robot_flow", "ask"), ("robot_var_extension", extension)]);
    };
    to("good", "4000");
    fake.wrote(&["good", "Would you like one"]).await;
    fake.digit("good", '0');
    fake.wrote(&["uuid_transfer good 4000"]).await;
    assert_eq!(daemon.rows("good").await.0.last().unwrap(), "person transfer →  0");

    to("bad", "00791234567");
    fake.wrote(&["bad", "Would you like one"]).await;
    fake.digit("bad", '0');
    fake.wrote(&["bad", "Goodbye."]).await;
    fake.hang_up("bad");
    let (rows, _) = daemon.rows("bad").await;
    assert_eq!(rows[2], "person ERROR() → bye 1");
    assert_eq!(fake.count("uuid_transfer bad"), 0);
}

/// N5: a daemon that is told to stop closes the calls that don't end in time, with their rows.
#[tokio::test]
async fn a_daemon_that_stops_leaves_no_call_without_rows_n5() {
    let (fake, mut daemon) = daemon("[calls]\ndrain = 0\n").await;
    fake.call("u", &[("robot_flow", "ask")]);
    fake.wrote(&["Would you like one"]).await;
    daemon.stop();
    let (rows, classify) = daemon.rows("u").await;
    assert_eq!(rows[1..], ["ask HANGUP() → bye 1", "bye send_bye →  0"]);
    assert_eq!(classify.len(), 1);
}

/// A wrong password is said in `/readyz`, and mended without a restart.
#[tokio::test]
async fn a_wrong_password_is_visible_and_can_be_mended() {
    let fake = FakeFreeswitch::start("another").await;
    let daemon = Attached::start(&fake, "");
    assert_eq!(daemon.says("refuses the password").await, 503);
    fake.set_password("ClueCon");
    assert_eq!(daemon.says("\"ready\":true").await, 200);
}

/// S7: an application that the switch lacks is said when it is known, and ends its node with
/// `ERROR()` instead of the call; an audio file that is missing is said at load (E10).
#[tokio::test]
async fn what_a_switch_or_folder_lacks_is_said_before_a_caller_finds_out_s7() {
    let (fake, daemon) = daemon("").await;
    daemon.write(
        "flows/odd.json",
        r#"{ "flow": { "Start": { "subflow": { "F1": {} } },
            "F1": { "action": "cti_dance", "subflow": {
                "F2": { "condition": { "complete": ["error"] } } } },
            "F2": { "action": "hangup", "playbacks": ["gone.wav"] } } }"#,
    );
    daemon.logs("there is no audio file audio/gone.wav");
    daemon.logs("no such application");
    fake.call("u", &[("robot_flow", "odd")]);
    fake.wrote(&["uuid_kill u"]).await;
    let (rows, _) = daemon.rows("u").await;
    assert_eq!(rows, ["Start odd → F1 1", "F1 ERROR() → F2 1", "F2 send_bye →  0"]);
}
