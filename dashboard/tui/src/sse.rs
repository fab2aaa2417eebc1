//! Server-sent events out of pieces of bytes, cut anywhere.

/// Longest line and event that are kept; what is longer is passed over.
const LONGEST: usize = 4 << 20;

/// What was read so far of a stream.
#[derive(Debug, Default)]
pub(crate) struct Events {
    line: Vec<u8>,
    name: String,
    data: String,
    too_long: bool,
}

impl Events {
    /// Takes a piece; hands each whole event to `each` as name and data.
    pub(crate) fn take(&mut self, piece: &[u8], mut each: impl FnMut(&str, &str)) {
        for byte in piece {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.line_ended(&String::from_utf8_lossy(&line), &mut each);
                }
                b'\r' => {}
                byte if self.line.len() < LONGEST => self.line.push(*byte),
                _ => self.too_long = true,
            }
        }
    }

    fn line_ended(&mut self, line: &str, each: &mut impl FnMut(&str, &str)) {
        if line.is_empty() {
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            if !std::mem::take(&mut self.too_long) && !data.is_empty() {
                each(if name.is_empty() { "message" } else { &name }, &data);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if self.data.len() + value.len() > LONGEST {
                    self.too_long = true;
                    return;
                }
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            _ => {} // comments keep the connection alive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Events;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream =
            ": alive\n\nevent: alert\ndata: {\"a\":\ndata: \"đ\"}\n\nevent: tick\r\ndata: {}\r\n\r\ndata: x\n\nevent: none\n\n".as_bytes();
        for size in 1..stream.len() {
            let mut got = Vec::new();
            let mut events = Events::default();
            for piece in stream.chunks(size) {
                events.take(piece, |name, data| got.push((name.to_owned(), data.to_owned())));
            }
            let expected = [("alert", "{\"a\":\n\"đ\"}"), ("tick", "{}"), ("message", "x")];
            assert_eq!(got, expected.map(|(n, d)| (n.to_owned(), d.to_owned())));
        }
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut events = Events::default();
        let mut got = 0;
        for _ in 0..6 {
            events.take(&vec![b'x'; 1 << 20], |_, _| got += 1);
        }
        events.take(b"\n\ndata: y\n\n", |_, _| got += 1);
        assert_eq!(got, 1);
        assert!(events.line.capacity() <= 8 << 20);
    }
}
