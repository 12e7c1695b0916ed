use super::*;

impl<B: AsRef<[u8]>> Response<B> {
    /// Writes it, its CRLF included.
    pub fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Untagged(untagged) => {
                out.put(b"* ");
                untagged.write(out);
            }
            Self::Tagged(tag, status) => {
                tag.write(out);
                out.sp();
                status.write(out);
            }
            Self::Continuation(continuation) => {
                out.put(b"+ ");
                write_text(continuation.code.as_ref(), &continuation.text, out);
            }
        }
        out.crlf();
    }
}

impl Status {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }
}

impl<B: AsRef<[u8]>> StatusResponse<B> {
    fn write(&self, out: &mut Writer<'_>) {
        out.put(self.status.as_str().as_bytes());
        out.sp();
        write_text(self.code.as_ref(), &self.text, out);
    }
}

fn write_text<B: AsRef<[u8]>>(code: Option<&Code<B>>, text: &Text<B>, out: &mut Writer<'_>) {
    if let Some(code) = code.filter(|code| code.is_sayable()) {
        code.write(out);
        out.sp();
    }
    text.write(out);
}

impl<B: AsRef<[u8]>> Untagged<B> {
    fn write(&self, out: &mut Writer<'_>) {
        let word = |word: &[u8], out: &mut Writer<'_>| {
            out.put(word);
            out.sp();
        };
        let numbered = |number: u32, word: &[u8], out: &mut Writer<'_>| {
            out.number(number.into());
            out.sp();
            out.put(word);
        };
        match self {
            Self::Status(status) => status.write(out),
            Self::Capability(list) => {
                word(b"CAPABILITY", out);
                list.write(out);
            }
            Self::Enabled(list) => {
                out.put(b"ENABLED");
                for word in list.words() {
                    out.sp();
                    out.put(word);
                }
            }
            Self::Flags(flags) => {
                word(b"FLAGS", out);
                flags.write(out);
            }
            Self::List(list) => {
                word(b"LIST", out);
                list.write(out);
            }
            Self::Lsub(list) => {
                word(b"LSUB", out);
                list.write(out);
            }
            Self::Xlist(list) => {
                word(b"XLIST", out);
                list.write(out);
            }
            Self::MailboxStatus(status) => {
                word(b"STATUS", out);
                status.write(out);
            }
            Self::Search(data) => {
                out.put(b"SEARCH");
                data.write(out);
            }
            Self::Sort(data) => {
                out.put(b"SORT");
                data.write(out);
            }
            Self::Esearch(data) => {
                out.put(b"ESEARCH");
                data.write(out);
            }
            Self::Thread(thread) => {
                out.put(b"THREAD");
                if !thread.is_empty() {
                    out.sp();
                    thread.write(out);
                }
            }
            Self::Exists(count) => numbered(*count, b"EXISTS", out),
            Self::Recent(count) => numbered(*count, b"RECENT", out),
            Self::Expunge(number) => numbered(number.get(), b"EXPUNGE", out),
            Self::Vanished { earlier, uids } => {
                out.put(if *earlier { b"VANISHED (EARLIER) " } else { b"VANISHED " });
                uids.write(out);
            }
            Self::Fetch(fetch) => {
                numbered(fetch.number.get(), b"FETCH ", out);
                fetch.write(out);
            }
            Self::UidFetch(fetch) => {
                numbered(fetch.number.get(), b"UIDFETCH ", out);
                fetch.write(out);
            }
            Self::Id(parameters) => {
                word(b"ID", out);
                match parameters {
                    Some(parameters) => parameters.write(out),
                    None => out.put(b"NIL"),
                }
            }
            Self::Namespace(namespaces) => {
                word(b"NAMESPACE", out);
                namespaces.write(out);
            }
            Self::Quota(quota) => {
                word(b"QUOTA", out);
                quota.write(out);
            }
            Self::QuotaRoot(roots) => {
                word(b"QUOTAROOT", out);
                roots.write(out);
            }
            Self::Acl(acl) => {
                word(b"ACL", out);
                acl.write(out);
            }
            Self::ListRights(rights) => {
                word(b"LISTRIGHTS", out);
                rights.write(out);
            }
            Self::MyRights(rights) => {
                word(b"MYRIGHTS", out);
                rights.write(out);
            }
            Self::Metadata(metadata) => {
                word(b"METADATA", out);
                metadata.write(out);
            }
            Self::Language(languages) => {
                word(b"LANGUAGE", out);
                out.list(languages, |language, out| language.write(out));
            }
            Self::Comparator(comparator) => {
                word(b"COMPARATOR", out);
                comparator.write(out);
            }
            Self::GenUrlAuth(urls) => {
                word(b"GENURLAUTH", out);
                out.spaced(urls, |url, out| url.write(out));
            }
            Self::UrlFetch(urls) => {
                word(b"URLFETCH", out);
                out.spaced(urls, |(url, data), out| {
                    url.write(out);
                    out.sp();
                    data.write(out);
                });
            }
            Self::Other(raw) => out.raw(raw.as_ref()),
        }
    }
}
