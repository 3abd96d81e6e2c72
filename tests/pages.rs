//! The pages made from the sample tree: what a manager reads on the first screen, and that nothing
//! hostile in a log becomes more than text.

use std::path::Path;

use calltrace::directory::Names;
use calltrace::engine::{Engine, TraceQuestion};
use calltrace::output::Clock;
use calltrace::record::{LogZone, Stamp};
use calltrace::scan::Tuning;
use calltrace::tree::{EnterpriseName, Tree};
use calltrace::web::pages::{CallPage, Language, Look, call_page};

fn look(language: Language) -> Look {
    Look {
        language,
        clock: Clock {
            log: LogZone::default(),
            shown: chrono_tz::Europe::Minsk,
        },
        now: Stamp::parse_prefix(b"2025-12-03 09:00:00,000").expect("a time"),
    }
}

fn page(look: &Look, enterprise: &str, id: &str, names: &Names) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/call_tracer");
    let tree = Tree::open(&root).expect("the sample tree");
    let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
    let name = EnterpriseName::new(enterprise).expect("a name");
    let question = TraceQuestion {
        id: id.to_owned(),
        strict: false,
        every_file: false,
    };
    let trace = engine.trace(&tree, &name, &question).expect("a trace");
    let call = trace.call.as_ref().expect("the call is there");
    let page = CallPage {
        enterprise: &name,
        title: Some("june"),
        call,
        searched: trace.searched,
        troubles: &trace.troubles,
        names,
        from: 0,
        query: "?token=t",
        list: Some("/calls/0367?token=t"),
    };
    call_page(look, &page).into_string()
}

#[test]
fn draft() {
    let dir = Path::new("/tmp/pages");
    std::fs::create_dir_all(dir).unwrap();
    let table =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/calls.tsv"))
            .unwrap();
    let mut names = Names::default();
    names
        .chats
        .insert("100000001".into(), "Анна Сидорова".into());
    names
        .extensions
        .insert("151".into(), "Анна Сидорова".into());
    names.extensions.insert("150".into(), "Пётр Иванов".into());
    names
        .clients
        .insert("375290001234".into(), "ООО «Ромашка»".into());
    names.lines.insert("0001363".into(), "Линия 1".into());
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split('\t').collect();
        let html = page(&look(Language::Russian), cells[0], cells[2], &names);
        std::fs::write(
            dir.join(format!(
                "{}_{}_{}.html",
                cells[0],
                cells[1].replace([' ', '/', '(', ')'], "_"),
                cells[2]
            )),
            html,
        )
        .unwrap();
    }
}
