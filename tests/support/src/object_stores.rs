//! S3-compatible stores of a test's own on free ports of the loopback address: a SeaweedFS cluster, and moto.
//!
//! Their programs are in the folder of Python packages that `tests/run` makes. Nothing of them outlives the test
//! program, and their data lies in a temporary folder.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::kept::{Kept, KeptFolder, ask, becomes, free_ports};
use crate::python_program;

/// The bucket that every store has.
pub const BUCKET: &str = "calls";

/// The key that may read and write, and its secret, which is not to appear anywhere.
pub const KEY: (&str, &str) = ("ctshipper", "pl4nted+S3cret/of-the-shipper");

/// The key of [`Seaweed`] that may only read and list.
pub const READER_KEY: (&str, &str) = ("ctreader", "pl4nted+S3cret/of-the-reader");

const IDENTITIES: &str = r#"{"identities":[
{"name":"shipper","credentials":[{"accessKey":"KEY","secretKey":"SECRET"}],"actions":["Admin","Read","Write","List","Tagging"]},
{"name":"reader","credentials":[{"accessKey":"READER","secretKey":"HIDDEN"}],"actions":["Read","List"]}]}"#;

/// How often a store is started anew when another process took one of its ports.
const STARTS_MAX: usize = 3;

/// A SeaweedFS cluster: a master, three volume servers, a filer and S3. Every object has two copies.
pub struct Seaweed {
    volumes: [Mutex<Option<Kept>>; 3],
    _others: Vec<Kept>,
    ports: Ports,
    /// Removed last.
    folder: KeptFolder,
}

struct Ports {
    master: [u16; 2],
    volumes: [[u16; 2]; 3],
    filer: [u16; 2],
    s3: [u16; 2],
}

impl Seaweed {
    /// The cluster of this test program, which is started once.
    ///
    /// # Panics
    /// When it does not start.
    pub fn shared() -> &'static Seaweed {
        static SHARED: OnceLock<Seaweed> = OnceLock::new();
        SHARED.get_or_init(Seaweed::start)
    }

    /// Starts a cluster and waits until it takes objects: some three seconds.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Seaweed {
        let mut said = String::new();
        for _ in 0..STARTS_MAX {
            match Seaweed::try_start() {
                Ok(seaweed) => return seaweed,
                Err(log) => said = log,
            }
        }
        panic!("SeaweedFS does not start: {said}");
    }

    /// The address of its S3 API.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port())
    }

    /// The port of its S3 API.
    pub fn port(&self) -> u16 {
        self.ports.s3[0]
    }

    /// Ends a volume server (0 to 2) with SIGKILL.
    pub fn kill_volume(&self, number: usize) {
        drop(self.volume(number).take());
    }

    /// Starts a volume server (0 to 2) that was ended, with its data.
    pub fn start_volume(&self, number: usize) {
        let mut volume = self.volume(number);
        if volume.is_none() {
            *volume = Some(start_volume(self.folder.path(), &self.ports, number));
        }
    }

    /// The id of the process of a volume server, to stop it for a while.
    pub fn volume_pid(&self, number: usize) -> Option<u32> {
        self.volume(number).as_ref().map(|kept| kept.pid)
    }

    fn volume(&self, number: usize) -> std::sync::MutexGuard<'_, Option<Kept>> {
        self.volumes[number]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn try_start() -> Result<Seaweed, String> {
        let folder = KeptFolder::make();
        let at = folder.path();
        let all: [u16; 12] = free_ports();
        let pair = |at: usize| [all[at], all[at + 1]];
        let ports = Ports {
            master: pair(0),
            volumes: [pair(2), pair(4), pair(6)],
            filer: pair(8),
            s3: pair(10),
        };
        let identities = IDENTITIES
            .replace("KEY", KEY.0)
            .replace("SECRET", KEY.1)
            .replace("READER", READER_KEY.0)
            .replace("HIDDEN", READER_KEY.1);
        fs::write(at.join("s3.json"), identities).expect("its own file");
        for name in ["master", "filer", "volume0", "volume1", "volume2"] {
            fs::create_dir(at.join(name)).expect("its own folder");
        }
        let failed = |what: &str| {
            let log = fs::read_to_string(at.join(format!("{what}.log"))).unwrap_or_default();
            let end = log.lines().rev().take(5).collect::<Vec<_>>();
            Err(format!("{what}: {}", end.join("\n")))
        };
        let master = weed(at, "master", ports.master, |add| {
            add(&format!("-mdir={}", at.join("master").display()));
            // Two copies on any two servers.
            add("-defaultReplication=001");
            add("-volumeSizeLimitMB=256");
            // Nothing is reported to its makers.
            add("-telemetry=false");
        });
        // Servers that find no leader wait for seconds before they look again.
        let leads = || {
            let status = ask(ports.master[0], "GET", "/cluster/status");
            status.is_some_and(|status| status.contains("\"IsLeader\":true"))
        };
        if !becomes(leads) {
            return failed("master");
        }
        let volumes = [0, 1, 2].map(|number| Mutex::new(Some(start_volume(at, &ports, number))));
        let filer = weed(at, "filer", ports.filer, |add| {
            add(&format!("-master={}", address(ports.master)));
            add(&format!("-defaultStoreDir={}", at.join("filer").display()));
            add(&format!("-localSocket={}", at.join("filer.sock").display()));
            add("-iam=false");
        });
        if !becomes(|| ask(ports.filer[0], "GET", "/").is_some()) {
            return failed("filer");
        }
        let s3 = weed(at, "s3", ports.s3, |add| {
            add(&format!("-filer={}", address(ports.filer)));
            add(&format!("-localSocket={}", at.join("s3.sock").display()));
            add(&format!("-config={}", at.join("s3.json").display()));
            add("-port.iceberg=0");
            add("-port.lance=0");
            add("-iam=false");
        });
        let has_all_volumes = || {
            let status = ask(ports.master[0], "GET", "/dir/status").unwrap_or_default();
            ports
                .volumes
                .iter()
                .all(|volume| status.contains(&format!("127.0.0.1:{}", volume[0])))
        };
        if !becomes(has_all_volumes) {
            return failed("volume0");
        }
        let is_made = |answer: Option<String>| answer.is_some_and(|said| said.contains(" 201 "));
        if !becomes(|| is_made(ask(ports.filer[0], "POST", &format!("/buckets/{BUCKET}/")))) {
            return failed("filer");
        }
        if !becomes(|| ask(ports.s3[0], "GET", "/").is_some()) {
            return failed("s3");
        }
        Ok(Seaweed {
            volumes,
            _others: vec![s3, filer, master],
            ports,
            folder,
        })
    }
}

fn start_volume(at: &Path, ports: &Ports, number: usize) -> Kept {
    let name = format!("volume{number}");
    weed(at, &name, ports.volumes[number], |add| {
        add(&format!("-dir={}", at.join(&name).display()));
        add(&format!("-master={}", address(ports.master)));
        add("-max=30");
        add("-minFreeSpace=0");
        add("-preStopSeconds=0");
    })
}

/// Starts a server; `name` is its kind, and its number if there are several.
fn weed(at: &Path, name: &str, ports: [u16; 2], set: impl FnOnce(&mut dyn FnMut(&str))) -> Kept {
    let mut command = vec![
        python_program("weed").display().to_string(),
        "-logtostderr=true".to_owned(),
        name.trim_end_matches(|c: char| c.is_ascii_digit() && name != "s3")
            .to_owned(),
        format!("-port={}", ports[0]),
        format!("-port.grpc={}", ports[1]),
        "-ip.bind=127.0.0.1".to_owned(),
    ];
    if name != "s3" {
        command.push("-ip=127.0.0.1".to_owned());
    }
    set(&mut |argument| command.push(argument.to_owned()));
    Kept::start(&at.join(format!("{name}.log")), at, &command)
}

/// An address with both of its ports.
fn address(ports: [u16; 2]) -> String {
    format!("127.0.0.1:{}.{}", ports[0], ports[1])
}

/// The S3 server of moto, which keeps objects in memory and accepts every key.
pub struct Moto {
    _server: Kept,
    port: u16,
    _folder: KeptFolder,
}

impl Moto {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Moto {
        for _ in 0..STARTS_MAX {
            let folder = KeptFolder::make();
            let at = folder.path();
            let [port] = free_ports();
            let program = python_program("moto_server").display().to_string();
            let command = [&program, "-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
            let server = Kept::start(&at.join("log"), at, &command);
            let is_made = |said: Option<String>| said.is_some_and(|said| said.contains(" 200 "));
            if becomes(|| is_made(ask(port, "PUT", &format!("/{BUCKET}")))) {
                return Moto {
                    _server: server,
                    port,
                    _folder: folder,
                };
            }
        }
        panic!("moto_server does not start");
    }

    /// The address of its S3 API.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of its S3 API.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// A prefix of [`BUCKET`] that no other test has.
pub fn own_prefix() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `[archive]` of a settings file for the store at `endpoint`, without a cache; its key file, which lies in `folder`,
/// is made.
///
/// # Panics
/// When the file can't be made.
pub fn archive_settings(endpoint: &str, prefix: &str, folder: &Path) -> String {
    let key_file = folder.join("archive.key");
    crate::write_secret(&key_file, &format!("{}:{}\n", KEY.0, KEY.1));
    format!(
        "[archive]\nurl = \"s3://{BUCKET}/{prefix}\"\nendpoint = \"{endpoint}\"\nkey_file = \"{}\"\n",
        key_file.display()
    )
}
