//! HTTP/1.1 as the S3 client and the local S3 server speak it, read by hand so that every
//! byte is ours to keep or spoil.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request, whole.
pub(super) struct Request {
    pub(super) method: String,
    target: String,
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// Reads one; `None` from a client that connects and says nothing.
    pub(super) async fn read(client: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = head_end(&bytes) {
                break end;
            }
            if client.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (method, target) = (method.to_owned(), target.to_owned());
        assert!(header(&head, "transfer-encoding").is_none(), "{head}");
        if header(&head, "expect").is_some() {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let length = header(&head, "content-length").map_or(0, |value| value.parse().unwrap());
        let mut body = bytes.split_off(end);
        while body.len() < length {
            if client.read_buf(&mut body).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            method,
            target,
            head,
            body,
        }))
    }

    /// Such as `GET uploads/sales.csv bytes=0-99` or `PUT runs/…/x.parquet part 2`.
    pub(super) fn name(&self) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let key = path.strip_prefix("/insiders").unwrap().trim_matches('/');
        let mut name = format!("{} {key}", self.method);
        for part in query.split('&') {
            match part.split_once('=').unwrap_or((part, "")) {
                ("uploads", _) => name.push_str(" create"),
                ("uploadId", _) if self.method == "POST" => name.push_str(" complete"),
                ("uploadId", _) if self.method == "DELETE" => name.push_str(" abort"),
                ("partNumber", number) => name.push_str(&format!(" part {number}")),
                ("list-type", _) => name.push_str(" list"),
                _ => {}
            }
        }
        if let Some(range) = header(&self.head, "range") {
            name.push_str(&format!(" {range}"));
        }
        name
    }

    pub(super) fn is_conditional_write(&self) -> bool {
        let conditions = ["if-match", "if-none-match"];
        self.method == "PUT" && conditions.iter().any(|c| header(&self.head, c).is_some())
    }

    pub(super) fn creates_upload(&self) -> bool {
        self.method == "POST" && self.target.contains("?uploads")
    }

    pub(super) fn upload_id(&self) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let id = query
            .split('&')
            .find_map(|part| part.strip_prefix("uploadId="));
        id.map(str::to_owned)
    }

    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// Turns one bit in the middle of the body.
    pub(super) fn flip(&mut self) {
        let middle = self.body.len() / 2;
        self.body[middle] ^= 1;
    }

    /// The server's answer.
    pub(super) async fn forward(&self, server: SocketAddr) -> io::Result<Answer> {
        let mut connection = TcpStream::connect(server).await?;
        connection.set_nodelay(true)?;
        // It is not among the headers that are signed.
        let head = self.head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
        connection.write_all(head.as_bytes()).await?;
        connection.write_all(&self.body).await?;
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).await?;
        Ok(Answer { bytes })
    }
}

/// An answer, whole.
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    /// An error as S3 says it; an answer to HEAD has no body, and so no code.
    pub(super) fn of_error(status: u16, code: &str, is_head: bool) -> Self {
        let xml = error_xml(code);
        let body = if is_head { "" } else { &xml };
        let text = format!(
            "HTTP/1.1 {status} Fault\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            xml.len()
        );
        Self {
            bytes: text.into_bytes(),
        }
    }

    /// S3 begins the answer to a completed upload before it knows how that ends, and says what
    /// went wrong in the body.
    pub(super) fn error_after_ok() -> Self {
        let xml = error_xml("InternalError");
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{xml}",
            xml.len()
        );
        Self {
            bytes: text.into_bytes(),
        }
    }

    /// Where the body begins.
    pub(super) fn body_at(&self) -> usize {
        head_end(&self.bytes).unwrap_or(self.bytes.len())
    }

    pub(super) fn is_success(&self) -> bool {
        self.bytes.starts_with(b"HTTP/1.1 2")
    }

    pub(super) fn upload_id(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let (_, rest) = text.split_once("<UploadId>")?;
        Some(rest.split_once('<')?.0.to_owned())
    }

    /// The server's clock is of another decade.
    pub(super) fn date_years_off(&mut self) {
        let end = self.body_at();
        let head = String::from_utf8(self.bytes[..end].to_vec()).unwrap();
        let lines = head.split("\r\n").map(|line| {
            let name = line.split(':').next().unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "date" => "date: Fri, 01 Jan 2038 00:00:00 GMT".to_owned(),
                "last-modified" => "last-modified: Thu, 01 Jan 1970 00:00:01 GMT".to_owned(),
                _ => line.to_owned(),
            }
        });
        let head = lines.collect::<Vec<_>>().join("\r\n");
        self.bytes.splice(..end, head.into_bytes());
    }
}

fn error_xml(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>injected</Message><RequestId>F00</RequestId></Error>"
    )
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
