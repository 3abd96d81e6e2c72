//! Shipped days without a network: the archives of a local tree, read as objects, with a count of what a
//! network would cost.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use calltrace_store::error::Error;
use calltrace_store::fsx::Folder;
use calltrace_store::index::{self, Index};
use calltrace_store::object::StoredObject;
use calltrace_store::tree::{
    EnterpriseName, FileName, LogFile, ShippedDays, ShippedFile, ShippedTree,
};

/// Bytes that are fetched at once.
const CHUNK_BYTES: u64 = 64 << 10;

/// The address of all objects.
const URL: &str = "s3://bucket/days";

/// What was fetched so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchCount {
    /// Ranges that were fetched; neighbouring chunks that are fetched at once count as one.
    pub requests: usize,
    /// How often a reader had to wait: everything on its way arrives in one wait.
    pub waits: usize,
}

/// The archives of a tree as shipped days.
#[derive(Debug)]
pub struct ShippedFolder {
    enterprises: HashMap<EnterpriseName, Arc<ShippedDays>>,
    network: Arc<Mutex<Network>>,
}

#[derive(Debug, Default)]
struct Network {
    chunks: HashMap<(PathBuf, u64), Chunk>,
    requests: usize,
    waits: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    OnItsWay,
    There,
}

#[derive(Debug)]
struct FolderObject {
    url: PathBuf,
    content: Vec<u8>,
    network: Arc<Mutex<Network>>,
}

impl ShippedFolder {
    /// The archives under `root` with names that `wanted` accepts, with their indexes and tables; with the catalog
    /// if all archives of the enterprise are wanted.
    pub fn of(root: &Path, wanted: impl Fn(&str) -> bool) -> ShippedFolder {
        let network = Arc::new(Mutex::new(Network::default()));
        let mut enterprises = HashMap::new();
        for entry in fs::read_dir(root).expect("a tree") {
            let folder = entry.expect("a name").path();
            let name = folder.file_name().and_then(|name| name.to_str());
            let enterprise = name.and_then(EnterpriseName::new).expect("an enterprise");
            let days = days(&folder, &enterprise, &network, &wanted);
            enterprises.insert(enterprise, Arc::new(days));
        }
        ShippedFolder {
            enterprises,
            network,
        }
    }

    /// What was fetched since the last call; everything must be fetched again then.
    pub fn take_count(&self) -> FetchCount {
        let Network {
            requests, waits, ..
        } = std::mem::take(&mut *self.network.lock().expect("whole"));
        FetchCount { requests, waits }
    }
}

fn days(
    folder: &Path,
    enterprise: &EnterpriseName,
    network: &Arc<Mutex<Network>>,
    wanted: &impl Fn(&str) -> bool,
) -> ShippedDays {
    let url = Path::new(URL).join(enterprise.as_str());
    let own = folder.join(index::FOLDER);
    let object = |path: PathBuf| -> Option<Arc<dyn StoredObject>> {
        Some(Arc::new(FolderObject {
            url: url.join(path.file_name()?),
            content: fs::read(&path).ok()?,
            network: Arc::clone(network),
        }))
    };
    let names = fs::read_dir(folder).expect("a folder").filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        FileName::parse(&name).filter(|name| name.gz)
    });
    let (shipped, kept): (Vec<FileName>, Vec<FileName>) =
        names.partition(|name| wanted(&name.full()));
    let opened = Folder::open(folder).expect("a folder");
    let head_of = |name: &FileName| {
        let log = LogFile::open(&opened, name.clone()).ok()?;
        Index::open(&log).ok().flatten()?.head_for_manifest()
    };
    let mut files: Vec<Arc<ShippedFile>> = (0..)
        .zip(shipped)
        .map(|(at, name): (usize, FileName)| {
            let path = folder.join(name.full());
            let modified = fs::metadata(&path).and_then(|its| its.modified());
            let since = modified.map(|at| at.duration_since(std::time::UNIX_EPOCH));
            let since = since.expect("a file").expect("after 1970").as_nanos();
            Arc::new(ShippedFile {
                log: object(path.clone()).expect("an archive"),
                modified: i64::try_from(since).expect("before 2262"),
                index: object(own.join(index::file_name(&name))),
                // Manifests that an older program wrote hold none.
                index_head: (at % 2 == 0).then(|| head_of(&name)).flatten(),
                table: object(own.join(format!("{}.calls.parquet", name.full()))),
                name,
            })
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    ShippedDays {
        catalog: match kept.is_empty() {
            true => object(own.join(index::catalog::NAME)),
            false => None,
        },
        url,
        files,
        revision: 1,
        stale: None,
    }
}

impl ShippedTree for ShippedFolder {
    fn url(&self) -> &Path {
        Path::new(URL)
    }

    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        let mut names: Vec<EnterpriseName> = self.enterprises.keys().cloned().collect();
        names.sort();
        Ok(names)
    }

    fn days(&self, enterprise: &EnterpriseName) -> io::Result<Arc<ShippedDays>> {
        let known = self.enterprises.get(enterprise).cloned();
        Ok(known.unwrap_or_else(|| {
            Arc::new(ShippedDays {
                url: Path::new(URL).join(enterprise.as_str()),
                files: Vec::new(),
                catalog: None,
                revision: 0,
                stale: None,
            })
        }))
    }

    fn fetch_ahead(&self, _: &[EnterpriseName]) {}
}

impl FolderObject {
    fn chunks(&self, range: &Range<u64>) -> impl Iterator<Item = (PathBuf, u64)> + '_ {
        let end = range.end.min(self.content.len() as u64);
        (range.start / CHUNK_BYTES..end.div_ceil(CHUNK_BYTES))
            .map(|number| (self.url.clone(), number))
    }

    /// Requests the chunks of a range that were never requested.
    fn request(&self, network: &mut Network, range: &Range<u64>) {
        let mut is_behind_request = false;
        for chunk in self.chunks(range) {
            let is_new = !network.chunks.contains_key(&chunk);
            network.requests += usize::from(is_new && !is_behind_request);
            is_behind_request = is_new;
            network.chunks.entry(chunk).or_insert(Chunk::OnItsWay);
        }
    }
}

impl StoredObject for FolderObject {
    fn url(&self) -> &Path {
        &self.url
    }

    fn bytes(&self) -> u64 {
        self.content.len() as u64
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let range = at..at + into.len() as u64;
        let mut network = self.network.lock().expect("whole");
        let is_there =
            |chunk: (PathBuf, u64)| network.chunks.get(&chunk).copied() == Some(Chunk::There);
        if !self.chunks(&range).all(is_there) {
            self.request(&mut network, &range);
            network.waits += 1;
            let chunks = network.chunks.values_mut();
            chunks.for_each(|chunk| *chunk = Chunk::There);
        }
        let at = usize::try_from(at).map_or(self.content.len(), |at| at.min(self.content.len()));
        (&self.content[at..]).read(into)
    }

    fn fetch_ahead(&self, ranges: &[Range<u64>]) {
        let mut network = self.network.lock().expect("whole");
        for range in ranges {
            self.request(&mut network, range);
        }
    }
}
