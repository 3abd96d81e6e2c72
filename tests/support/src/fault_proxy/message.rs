//! Whole HTTP/1.1 messages: the head as it came, and the body.

use std::io::{self, BufRead, Read};

/// A request or an answer.
pub(super) struct Message {
    /// All lines up to the empty one, as they came.
    pub(super) head: Vec<u8>,
    /// As it came; chunks with their lengths.
    pub(super) body: Vec<u8>,
}

impl Message {
    /// An answer of the proxy itself.
    pub(super) fn of_status(status: u16) -> Message {
        let code = match status {
            501 => "NotImplemented",
            503 => "SlowDown",
            _ => "InternalError",
        };
        let body =
            format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>").into_bytes();
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} Played\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        Message { head, body }
    }

    pub(super) fn first_word(&self) -> &str {
        self.word(0)
    }

    pub(super) fn second_word(&self) -> &str {
        self.word(1)
    }

    /// The status of an answer.
    pub(super) fn status(&self) -> u16 {
        self.second_word().parse().unwrap_or(0)
    }

    fn word(&self, number: usize) -> &str {
        let text = str::from_utf8(&self.head).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        line.split(' ').nth(number).unwrap_or_default()
    }

    /// The value of a header; its name is given in small letters.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let text = str::from_utf8(&self.head).ok()?;
        let mut headers = text.lines().skip(1).filter_map(|line| line.split_once(':'));
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(found.1.trim().to_owned())
    }
}

/// The next request of a connection; `None` when it closes.
pub(super) fn read_request(from: &mut impl BufRead) -> io::Result<Option<Message>> {
    let head = read_head(from)?;
    if head.is_empty() {
        return Ok(None);
    }
    let mut message = Message {
        head,
        body: Vec::new(),
    };
    read_body(from, &mut message)?;
    Ok(Some(message))
}

/// The answer to a request; one to HEAD has no body whatever it announces.
pub(super) fn read_response(from: &mut impl BufRead, is_to_head: bool) -> io::Result<Message> {
    let head = read_head(from)?;
    if head.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut message = Message {
        head,
        body: Vec::new(),
    };
    if !is_to_head && !matches!(message.status(), 204 | 304) {
        read_body(from, &mut message)?;
    }
    Ok(message)
}

fn read_head(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let begin = head.len();
        if from.read_until(b'\n', &mut head)? == 0 {
            return match begin {
                0 => Ok(head),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        if &head[begin..] == b"\r\n" {
            return Ok(head);
        }
    }
}

fn read_body(from: &mut impl BufRead, message: &mut Message) -> io::Result<()> {
    if let Some(length) = message.header("content-length") {
        let length: usize = length.parse().map_err(io::Error::other)?;
        message.body = vec![0; length];
        return from.read_exact(&mut message.body);
    }
    let is_chunked = message.header("transfer-encoding");
    if is_chunked.is_none_or(|coding| !coding.eq_ignore_ascii_case("chunked")) {
        return Ok(());
    }
    loop {
        let begin = message.body.len();
        from.read_until(b'\n', &mut message.body)?;
        let line = String::from_utf8_lossy(&message.body[begin..]).into_owned();
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        // The chunk with the end of its line.
        from.take(size + 2).read_to_end(&mut message.body)?;
        if size == 0 {
            return Ok(());
        }
    }
}
