//! Frames of HTTP/2, as far as faults are made of them
//! ([RFC 9113, section 4.1](https://www.rfc-editor.org/rfc/rfc9113#section-4.1)).

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const HEAD: usize = 9;

/// What the client says before its first frame.
pub(super) const PREFACE: usize = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

/// A frame that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
    pub(super) length: u32,
    /// The first four bytes of the payload: a reset's reason.
    pub(super) start: u32,
}

impl Frame {
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// The bytes of a GOAWAY: streams after `last` were not processed.
pub(super) fn go_away(last: u32, reason: u32) -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
}

/// The bytes of a head that does not decode.
pub(super) fn garbage(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &[0xff; 8])
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Finds the frames in the bytes of one direction.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Bytes before the next frame.
    skip: usize,
    /// The head of the current frame and the first bytes of its payload.
    begun: Vec<u8>,
    /// Of the current frame's payload.
    left: u32,
}

impl Scanner {
    /// Skips `skip` bytes first.
    pub(super) fn after(skip: usize) -> Self {
        Self { skip, begun: Vec::with_capacity(16), left: 0 }
    }

    /// Whether no frame is begun.
    pub(super) fn is_between_frames(&self) -> bool {
        self.begun.is_empty()
    }

    /// Hands each frame that ends in `bytes` to `sink`.
    pub(super) fn scan(&mut self, bytes: &[u8], mut sink: impl FnMut(Frame)) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        let mut bytes = &bytes[skipped..];
        while !bytes.is_empty() {
            bytes = if self.begun.len() < HEAD { self.head(bytes) } else { self.payload(bytes) };
            if self.begun.len() >= HEAD && self.left == 0 {
                sink(self.finish());
            }
        }
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let count = (HEAD - self.begun.len()).min(bytes.len());
        self.begun.extend_from_slice(&bytes[..count]);
        if let [a, b, c, _, _, _, _, _, _] = self.begun[..] {
            self.left = u32::from_be_bytes([0, a, b, c]);
        }
        &bytes[count..]
    }

    fn payload<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = left.min(bytes.len());
        let kept = (HEAD + 4).saturating_sub(self.begun.len()).min(count);
        self.begun.extend_from_slice(&bytes[..kept]);
        self.left -= u32::try_from(count).unwrap_or(self.left);
        &bytes[count..]
    }

    fn finish(&mut self) -> Frame {
        let byte = |index: usize| self.begun.get(index).copied().unwrap_or(0);
        let word = |index| u32::from_be_bytes([0, 1, 2, 3].map(|offset| byte(index + offset)));
        let frame = Frame {
            kind: byte(3),
            flags: byte(4),
            // RFC 9113 section 4.1: the first bit is reserved.
            stream: word(5) & 0x7fff_ffff,
            length: u32::from_be_bytes([0, byte(0), byte(1), byte(2)]),
            start: word(HEAD),
        };
        self.begun.clear();
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::{DATA, END_STREAM, GOAWAY, HEADERS, PREFACE, Scanner, frame, garbage, go_away};

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let mut bytes = vec![b'x'; PREFACE];
        bytes.extend(go_away(5, 11));
        bytes.extend(frame(DATA, END_STREAM, 3, &[7; 1000]));
        bytes.extend(frame(DATA, 0, 3, &[]));
        bytes.extend(garbage(7));
        for size in [1, 2, 8, 9, 10, 13, 100, 10_000] {
            let mut scanner = Scanner::after(PREFACE);
            let mut frames = Vec::new();
            for piece in bytes.chunks(size) {
                scanner.scan(piece, |frame| frames.push(frame));
            }
            assert!(scanner.is_between_frames());
            let seen = Vec::from_iter(frames.iter().map(|f| (f.kind, f.stream, f.length, f.start)));
            let expected = [
                (GOAWAY, 0, 8, 5),
                (DATA, 3, 1000, 0x0707_0707),
                (DATA, 3, 0, 0),
                (HEADERS, 7, 8, 0xffff_ffff),
            ];
            assert_eq!(seen, expected, "{size}");
            let ends = Vec::from_iter(frames.iter().map(|frame| frame.ends_stream()));
            assert_eq!(ends, [false, true, false, false]);
        }
    }
}
