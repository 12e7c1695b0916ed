use super::*;

impl<B: AsRef<[u8]>> BodyStructure<B> {
    /// With its parentheses.
    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        for (nth, part) in self.parts.iter().enumerate() {
            out.octet(b'(');
            let is_open = match &part.content {
                Content::Multipart => self.has_next_in(nth),
                Content::Single { media_type, fields, beside } => {
                    write_single(part, media_type, fields, beside, out);
                    part.is_message()
                }
            };
            if is_open {
                continue;
            }
            // It ends here, and with it each that it is the last of.
            let next = self.parts.get(nth.saturating_add(1));
            let mut at = part;
            loop {
                write_end(at, out);
                match self.parent(at) {
                    Some(parent) if next.is_none_or(|next| next.parent != at.parent) => at = parent,
                    _ => break,
                }
            }
        }
    }

    /// Whether the next part is in that one.
    fn has_next_in(&self, nth: usize) -> bool {
        let next = self.parts.get(nth.saturating_add(1));
        next.and_then(|next| next.parent).and_then(|parent| usize::try_from(parent).ok()) == Some(nth)
    }
}

fn write_single<B: AsRef<[u8]>>(
    part: &Part<B>,
    media_type: &IString<B>,
    fields: &BodyFields<B>,
    beside: &Beside<B>,
    out: &mut Writer<'_>,
) {
    media_type.write(out);
    out.sp();
    part.subtype.write(out);
    out.sp();
    fields.parameters.write(out);
    out.sp();
    fields.id.write(out);
    out.sp();
    fields.description.write(out);
    out.sp();
    fields.encoding.write(out);
    out.sp();
    out.number(fields.octets);
    match beside {
        Beside::Nothing => {}
        Beside::Lines(lines) => {
            out.sp();
            out.number(*lines);
        }
        Beside::Message(envelope, _) => {
            out.sp();
            envelope.get().write(out);
            out.sp();
        }
    }
}

fn write_end<B: AsRef<[u8]>>(part: &Part<B>, out: &mut Writer<'_>) {
    match &part.content {
        Content::Multipart => {
            out.sp();
            part.subtype.write(out);
        }
        Content::Single { beside: Beside::Message(_, lines), .. } => {
            out.sp();
            out.number(*lines);
        }
        Content::Single { .. } => {}
    }
    part.extension.write(part.is_multipart(), out);
    out.octet(b')');
}

impl<B: AsRef<[u8]>> BodyExtension<B> {
    fn write(&self, multipart: bool, out: &mut Writer<'_>) {
        let Self::Some { md5, parameters, disposition, languages, location, rest } = self else { return };
        out.sp();
        if multipart {
            parameters.write(out);
        } else {
            md5.write(out);
        }
        let Some(disposition) = disposition else { return };
        out.sp();
        match disposition {
            Disposition::Nil => out.put(b"NIL"),
            Disposition::Is(disposition, parameters) => {
                out.octet(b'(');
                disposition.write(out);
                out.sp();
                parameters.write(out);
                out.octet(b')');
            }
        }
        let Some(languages) = languages else { return };
        out.sp();
        languages.write(out);
        let Some(location) = location else { return };
        out.sp();
        location.write(out);
        out.raw(rest.as_ref());
    }
}

impl<B: AsRef<[u8]>> Parameters<B> {
    fn write(&self, out: &mut Writer<'_>) {
        let text = self.0.as_ref();
        if text.is_empty() {
            return out.put(b"NIL");
        }
        out.list(self.iter(), |(name, value), out| {
            name.write(out);
            out.sp();
            value.write(out);
        });
    }
}

impl<B: AsRef<[u8]>> Languages<B> {
    fn write(&self, out: &mut Writer<'_>) {
        let text = self.0.as_ref();
        match text.first() {
            Some(b'(') => out.list(self.iter(), |language, out| language.write(out)),
            _ => match self.iter().next() {
                Some(language) => language.write(out),
                None => out.put(b"NIL"),
            },
        }
    }
}
