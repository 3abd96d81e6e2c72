//! Gzip in three shapes: one member, several members, and BGZF.
//!
//! Members are framed by hand (RFC 1952): a fixed header keeps the bytes the same everywhere.
//! BGZF: SAM specification, section 4.1; each member carries its own length in an extra field `BC`.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::io::{self, Write};

/// Raw bytes in a block, as htslib cuts them: even incompressible ones fit 64 KiB with the frame.
pub const BGZF_RAW_BYTES: usize = 0xff00;
const BGZF_FRAME_BYTES: usize = 26;
const LEVEL: u32 = 6;

/// The empty block that marks the end of a BGZF file.
pub const BGZF_END: [u8; 28] = [
    0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0,
    0, 0,
];

/// Compresses one member at a time, its buffers reused.
pub struct Members {
    deflate: Compress,
    packed: Vec<u8>,
}

impl Members {
    pub fn new() -> Self {
        Self {
            deflate: Compress::new(Compression::new(LEVEL), false),
            packed: Vec::new(),
        }
    }

    /// Writes `raw` as one plain gzip member.
    pub fn member(&mut self, out: &mut impl Write, raw: &[u8], mtime: u32) -> io::Result<()> {
        self.pack(raw)?;
        out.write_all(&[0x1f, 0x8b, 8, 0])?;
        out.write_all(&mtime.to_le_bytes())?;
        out.write_all(&[0, 3])?;
        self.end(out, raw)
    }

    /// Writes `raw`, at most [`BGZF_RAW_BYTES`], as one block.
    pub fn block(&mut self, out: &mut impl Write, raw: &[u8]) -> io::Result<()> {
        self.pack(raw)?;
        let last = u16::try_from(self.packed.len() + BGZF_FRAME_BYTES - 1)
            .map_err(|_| io::Error::other("a block of log text does not fit 64 KiB"))?;
        out.write_all(&BGZF_END[..16])?;
        out.write_all(&last.to_le_bytes())?;
        self.end(out, raw)
    }

    fn pack(&mut self, raw: &[u8]) -> io::Result<()> {
        self.deflate.reset();
        self.packed.clear();
        self.packed.reserve(raw.len() + raw.len() / 1000 + 64);
        match self
            .deflate
            .compress_vec(raw, &mut self.packed, FlushCompress::Finish)?
        {
            Status::StreamEnd => Ok(()),
            _ => Err(io::Error::other(
                "deflate grew its input past the reserved room",
            )),
        }
    }

    fn end(&self, out: &mut impl Write, raw: &[u8]) -> io::Result<()> {
        out.write_all(&self.packed)?;
        let mut crc = Crc::new();
        crc.update(raw);
        out.write_all(&crc.sum().to_le_bytes())?;
        out.write_all(&crc.amount().to_le_bytes())
    }
}
