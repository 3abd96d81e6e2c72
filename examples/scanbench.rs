use calltrace::{scan::*, source::*, tree::*};
fn main() {
    let root = std::env::args().nth(1).unwrap();
    let needle: Vec<String> = std::env::args().skip(2).collect();
    let tree = Tree::open(root.as_ref()).unwrap();
    let e = &tree.enterprises().unwrap()[0];
    let snap = Snapshot::open(e, &tree.folder(e)).unwrap();
    let mut t = vec![];
    let s: Vec<_> = Source::open_all(&snap, &mut t).into_iter().enumerate().map(|(i, s)| (i as u32, s)).collect();
    let sc = Scanner::new(Tuning::default());
    let tasks = sc.tasks(&s);
    let n = Needles::new(&needle);
    for _ in 0..1 {
    let t0 = std::time::Instant::now();
    let (l, tr) = sc.lines(&tasks, &n, |_| true);
    eprintln!("{} lines {:?} {:?}", l.len(), tr, t0.elapsed());
    }
}
