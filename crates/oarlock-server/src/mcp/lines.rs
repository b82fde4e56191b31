//! The lines of a client on standard input: those that are JSON go on to the protocol, and of the others it is informed, which the protocol's
//! library passes over in silence.

use serde::de::IgnoredAny;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;

/// The longest line, in bytes; the library takes none that is longer.
const LINE_BYTES_MAX: usize = 16 << 20;

/// Bytes on their way to the protocol.
const BUFFER_BYTES: usize = 64 << 10;

/// Faults that are not answered yet, at most; then nothing more is read.
const FAULTS_MAX: usize = 16;

/// The lines that are JSON, and the fault of each other one.
pub(crate) fn of(input: impl AsyncRead + Send + Unpin + 'static) -> (DuplexStream, mpsc::Receiver<String>) {
    let (mut lines, read) = tokio::io::duplex(BUFFER_BYTES);
    let (faults, told) = mpsc::channel(FAULTS_MAX);
    tokio::spawn(async move {
        let mut input = BufReader::new(input);
        while let Some(line) = next(&mut input).await {
            let handed_on = match check(&line) {
                Ok(()) => lines.write_all(&line).await.is_ok(),
                Err(fault) => faults.send(fault).await.is_ok(),
            };
            if !handed_on {
                return;
            }
        }
    });
    (read, told)
}

/// The next line with its end; of one that is too long only so much that it is known to be. None at the end of the input.
async fn next(input: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        let there = input.fill_buf().await.ok().filter(|there| !there.is_empty())?;
        let end = there.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let n = end.unwrap_or(there.len());
        line.extend_from_slice(&there[..n.min((LINE_BYTES_MAX + 1).saturating_sub(line.len()))]);
        input.consume(n);
        if end.is_some() {
            return Some(line);
        }
    }
}

fn check(line: &[u8]) -> Result<(), String> {
    if line.len() > LINE_BYTES_MAX {
        return Err(format!("the line is longer than {LINE_BYTES_MAX} bytes"));
    }
    // RFC 8259, section 8.1: a mark of byte order may be passed over.
    let text = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    serde_json::from_slice::<IgnoredAny>(text).map(drop).map_err(|error| format!("the line is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn what_is_no_json_is_told_of_and_what_is_goes_on() {
        let long = format!("\"{}\"\n", "x".repeat(LINE_BYTES_MAX));
        let input = format!("{{\"a\":1}}\nnonsense\n\n{{\"b\":\n{long}[2]\n{{\"half");
        let (mut lines, mut faults) = of(std::io::Cursor::new(input.into_bytes()));
        let mut read = String::new();
        lines.read_to_string(&mut read).await.expect("UTF-8");
        assert_eq!(read, "{\"a\":1}\n\n[2]\n");
        let mut told = Vec::new();
        while let Some(fault) = faults.recv().await {
            told.push(fault);
        }
        assert!(told.len() == 3 && told[2].contains("longer"), "{told:?}");
    }
}
