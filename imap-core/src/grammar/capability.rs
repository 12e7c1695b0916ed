//! Capabilities: the one place that knows them.

use std::fmt;
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::cursor::{Cursor, Keep, Result};
use crate::grammar::class;
use crate::grammar::sequence::nz_number;
use crate::mode::{Literals, Quirk};
use crate::writer::Writer;

macro_rules! extensions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A capability that is a name and nothing else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Extension {
            $($(#[$doc])* $name,)*
        }

        impl Extension {
            /// Each of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is advertised.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            fn of(name: &[u8]) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($text.as_bytes()) { return Some(Self::$name); })*
                None
            }
        }
    };
}

extensions! {
    /// RFC 3501.
    Imap4Rev1 = "IMAP4rev1",
    /// RFC 9051.
    Imap4Rev2 = "IMAP4rev2",
    /// RFC 4314: GETACL and its like. With [`Capability::Rights`] the rights of that RFC.
    Acl = "ACL",
    /// RFC 5257: experimental.
    Annotate = "ANNOTATE-EXPERIMENT-1",
    /// RFC 3516: FETCH BINARY, and literal8 in APPEND.
    Binary = "BINARY",
    /// RFC 4469.
    Catenate = "CATENATE",
    /// RFC 3348: `\HasChildren` and `\HasNoChildren`.
    Children = "CHILDREN",
    /// RFC 7162.
    CondStore = "CONDSTORE",
    /// RFC 5267: SEARCH RETURN (CONTEXT, UPDATE).
    ContextSearch = "CONTEXT=SEARCH",
    /// RFC 5267: the same of SORT.
    ContextSort = "CONTEXT=SORT",
    /// RFC 5259.
    Convert = "CONVERT",
    /// RFC 6154: CREATE … (USE …).
    CreateSpecialUse = "CREATE-SPECIAL-USE",
    /// RFC 5161.
    Enable = "ENABLE",
    /// RFC 4731: SEARCH RETURN.
    Esearch = "ESEARCH",
    /// RFC 5267: SORT RETURN.
    Esort = "ESORT",
    /// RFC 5466: SEARCH FILTER.
    Filters = "FILTERS",
    /// RFC 2971.
    Id = "ID",
    /// RFC 2177.
    Idle = "IDLE",
    /// RFC 9585: the response code INPROGRESS.
    InProgress = "INPROGRESS",
    /// RFC 9698: the same mail by JMAP.
    JmapAccess = "JMAPACCESS",
    /// RFC 5255.
    Language = "LANGUAGE",
    /// RFC 5258.
    ListExtended = "LIST-EXTENDED",
    /// RFC 9590.
    ListMetadata = "LIST-METADATA",
    /// RFC 8440.
    ListMyRights = "LIST-MYRIGHTS",
    /// RFC 5819.
    ListStatus = "LIST-STATUS",
    /// RFC 7888: non-synchronizing literals of up to 4,096 octets.
    LiteralMinus = "LITERAL-",
    /// RFC 7888: non-synchronizing literals.
    LiteralPlus = "LITERAL+",
    /// RFC 2221.
    LoginReferrals = "LOGIN-REFERRALS",
    /// RFC 3501 s 6.2.3: no LOGIN here.
    LoginDisabled = "LOGINDISABLED",
    /// RFC 2193.
    MailboxReferrals = "MAILBOX-REFERRALS",
    /// RFC 5464: metadata of mailboxes and of the server.
    Metadata = "METADATA",
    /// RFC 5464: metadata of the server alone.
    MetadataServer = "METADATA-SERVER",
    /// RFC 6851.
    Move = "MOVE",
    /// RFC 3502.
    MultiAppend = "MULTIAPPEND",
    /// RFC 7377.
    MultiSearch = "MULTISEARCH",
    /// RFC 2342.
    Namespace = "NAMESPACE",
    /// RFC 5465.
    Notify = "NOTIFY",
    /// RFC 8474.
    ObjectId = "OBJECTID",
    /// RFC 9394: pages of SEARCH and FETCH.
    Partial = "PARTIAL",
    /// RFC 8970.
    Preview = "PREVIEW",
    /// RFC 7162.
    Qresync = "QRESYNC",
    /// RFC 2087, RFC 9208.
    Quota = "QUOTA",
    /// RFC 9208 s 3.2: SETQUOTA.
    QuotaSet = "QUOTASET",
    /// RFC 8508.
    Replace = "REPLACE",
    /// RFC 4959: AUTHENTICATE with an initial response.
    SaslIr = "SASL-IR",
    /// RFC 8514.
    SaveDate = "SAVEDATE",
    /// RFC 6203.
    SearchFuzzy = "SEARCH=FUZZY",
    /// RFC 5182: `$`.
    SearchRes = "SEARCHRES",
    /// RFC 5256.
    Sort = "SORT",
    /// RFC 5957: SORT by what is shown of a name.
    SortDisplay = "SORT=DISPLAY",
    /// RFC 6154: LIST (SPECIAL-USE) and its attributes.
    SpecialUse = "SPECIAL-USE",
    /// RFC 3501 s 6.2.1.
    StartTls = "STARTTLS",
    /// RFC 8438.
    StatusSize = "STATUS=SIZE",
    /// UIDBATCHES.
    UidBatches = "UIDBATCHES",
    /// RFC 9586.
    UidOnly = "UIDONLY",
    /// RFC 4315.
    UidPlus = "UIDPLUS",
    /// RFC 8437.
    Unauthenticate = "UNAUTHENTICATE",
    /// RFC 3691.
    Unselect = "UNSELECT",
    /// RFC 4467.
    UrlAuth = "URLAUTH",
    /// RFC 5524.
    UrlAuthBinary = "URLAUTH=BINARY",
    /// RFC 5738, obsolete: every name is UTF-8.
    Utf8All = "UTF8=ALL",
    /// RFC 6855.
    Utf8Accept = "UTF8=ACCEPT",
    /// RFC 6855: nothing goes before ENABLE UTF8=ACCEPT.
    Utf8Only = "UTF8=ONLY",
    /// RFC 5032: OLDER and YOUNGER.
    Within = "WITHIN",
    /// Gmail's labels, message and thread identifiers, and its own search.
    XGmExt1 = "X-GM-EXT-1",
    /// Gmail's and Apple's list of special mailboxes, before RFC 6154.
    Xlist = "XLIST",
}

/// RFC 9051 appendix E: what IMAP4rev2 folds in whole. Not BINARY (its FETCH side only) nor SPECIAL-USE (its
/// attributes only): see [`Capabilities::fetches_binary`].
const REV2: [Extension; 14] = [
    Extension::Children,
    Extension::Enable,
    Extension::Esearch,
    Extension::Idle,
    Extension::ListExtended,
    Extension::ListStatus,
    Extension::LiteralMinus,
    Extension::Move,
    Extension::Namespace,
    Extension::SaslIr,
    Extension::SearchRes,
    Extension::StatusSize,
    Extension::UidPlus,
    Extension::Unselect,
];

/// What one capability says besides itself.
const IMPLIED: [(Extension, Extension); 8] = [
    // RFC 7162 s 3.2.3: a server with QRESYNC has CONDSTORE and ENABLE too.
    (Extension::Qresync, Extension::CondStore),
    (Extension::Qresync, Extension::Enable),
    // RFC 6855 s 3: "The "UTF8=ONLY" capability […] implies the "UTF8=ACCEPT" capability".
    (Extension::Utf8Only, Extension::Utf8Accept),
    // RFC 5464 s 1: METADATA is server annotations and mailbox annotations.
    (Extension::Metadata, Extension::MetadataServer),
    // RFC 5957 s 3: an extension of SORT.
    (Extension::SortDisplay, Extension::Sort),
    // RFC 5267 s 3.1: SORT, as extended by SORT RETURN.
    (Extension::Esort, Extension::Sort),
    (Extension::ContextSort, Extension::Esort),
    (Extension::ContextSort, Extension::Sort),
];

/// `capability = ("AUTH=" auth-type) / atom`, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability<'a> {
    /// A name.
    Extension(Extension),
    /// `AUTH=`: a SASL mechanism.
    Auth(&'a [u8]),
    /// `APPENDLIMIT` or `APPENDLIMIT=n` (RFC 7889): octets of a message at most; without a number STATUS tells it.
    AppendLimit(Option<u32>),
    /// `COMPRESS=` (RFC 4978).
    Compress(&'a [u8]),
    /// `I18NLEVEL=` (RFC 5255).
    I18nLevel(NonZeroU32),
    /// `MESSAGELIMIT=` (RFC 9738): messages that one command works on at most.
    MessageLimit(NonZeroU32),
    /// `QUOTA=RES-` (RFC 9208): the name of a resource.
    QuotaResource(&'a [u8]),
    /// `RIGHTS=` (RFC 4314): the rights besides the standard ones.
    Rights(&'a [u8]),
    /// `SAVELIMIT=` (RFC 9738): messages that one command may create at most.
    SaveLimit(NonZeroU32),
    /// `THREAD=` (RFC 5256): an algorithm.
    Thread(&'a [u8]),
    /// Unknown here: the whole of it.
    Other(&'a [u8]),
}

impl<'a> Capability<'a> {
    /// Of an atom.
    fn of(atom: &'a [u8]) -> Self {
        if let Some(extension) = Extension::of(atom) {
            return Self::Extension(extension);
        }
        let value = |prefix: &str| {
            let (head, value) = atom.split_at_checked(prefix.len())?;
            (head.eq_ignore_ascii_case(prefix.as_bytes()) && !value.is_empty()).then_some(value)
        };
        let number = |prefix| {
            let value = value(prefix)?;
            let (number, length) = nz_number(value)?;
            NonZeroU32::new(number).filter(|_| length == value.len())
        };
        let known = || {
            Some(match atom.first()?.to_ascii_uppercase() {
                b'A' if atom.eq_ignore_ascii_case(b"APPENDLIMIT") => Self::AppendLimit(None),
                b'A' if atom.eq_ignore_ascii_case(b"APPENDLIMIT=0") => Self::AppendLimit(Some(0)),
                b'A' => match value("AUTH=") {
                    Some(mechanism) => Self::Auth(mechanism),
                    None => Self::AppendLimit(Some(number("APPENDLIMIT=")?.get())),
                },
                b'C' => Self::Compress(value("COMPRESS=")?),
                b'I' => Self::I18nLevel(number("I18NLEVEL=")?),
                b'M' => Self::MessageLimit(number("MESSAGELIMIT=")?),
                b'Q' => Self::QuotaResource(value("QUOTA=RES-")?),
                b'R' => Self::Rights(value("RIGHTS=")?),
                b'S' => Self::SaveLimit(number("SAVELIMIT=")?),
                b'T' => Self::Thread(value("THREAD=")?),
                _ => return None,
            })
        };
        known().unwrap_or(Self::Other(atom))
    }
}

/// `capability *(SP capability)`, or none: its text.
///
/// ```
/// use mail46_imap_core::{Capability, CapabilityList, Extension};
///
/// let list = CapabilityList::parse(b"IMAP4rev1 auth=PLAIN XYZZY")?;
/// let read: Vec<_> = list.iter().collect();
/// assert_eq!(read[1..], [Capability::Auth(b"PLAIN"), Capability::Other(b"XYZZY")]);
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CapabilityList<B = Bytes>(B);

impl<'a> CapabilityList<&'a [u8]> {
    /// Checks and borrows.
    ///
    /// # Errors
    /// [`SyntaxError`](crate::SyntaxError)
    pub fn parse(octets: &'a [u8]) -> Result<Self> {
        if octets.is_empty() { Ok(Self(octets)) } else { Cursor::whole(octets, Self::read) }
    }
}

impl CapabilityList {
    /// Of what a server has to say; words that are no atoms are left out.
    pub fn of<T: AsRef<[u8]>>(capabilities: impl IntoIterator<Item = T>) -> Self {
        let mut text = Vec::new();
        for word in capabilities {
            let word = word.as_ref();
            if word.is_empty() || !word.iter().all(|octet| class::is(*octet, class::ATOM)) {
                continue;
            }
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(word);
        }
        Self(Bytes::from(text))
    }
}

impl<'a, B: Keep<'a>> CapabilityList<B> {
    /// None.
    pub(crate) fn empty(c: &Cursor<'a, B>) -> Self {
        Self(c.keep(b""))
    }

    /// `capability *(SP capability)`, up to the end of the line or a `]`.
    pub(crate) fn read(c: &mut Cursor<'a, B>) -> Result<Self> {
        let from = c.at();
        let mut to = from;
        loop {
            c.word(class::ATOM, "a capability")?;
            to = to.max(c.at());
            let length = to.saturating_sub(from);
            if c.peek() != Some(b' ') {
                return Ok(Self(c.keep(c.since(from))));
            }
            if matches!(c.rest(), [b' '] | [b' ', b'\r' | b']' | b' ', ..]) {
                // Courier and Zimbra end the list with a space.
                c.deviation(Quirk::TrailingSpace, "a capability")?;
                while c.eat(b' ') {}
                if c.at_end() || c.peek() == Some(b']') {
                    return Ok(Self(c.keep(c.since(from).get(..length).unwrap_or_default())));
                }
                continue;
            }
            c.sp()?;
        }
    }
}

impl<B: AsRef<[u8]>> CapabilityList<B> {
    /// As it came.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Each word, as it came.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.as_bytes().split(|octet| *octet == b' ').filter(|word| !word.is_empty())
    }

    /// Each, read.
    pub fn iter(&self) -> impl Iterator<Item = Capability<'_>> {
        self.words().map(Capability::of)
    }

    pub(crate) fn write(&self, out: &mut Writer<'_>) {
        out.spaced(self.words(), |word, out| out.put(word));
    }
}

/// What a server can do: what it lists, and what follows from that.
///
/// ```
/// use mail46_imap_core::{Capabilities, CapabilityList, Extension};
///
/// let rev2 = Capabilities::from(&CapabilityList::parse(b"IMAP4rev2 AUTH=SCRAM-SHA-256 APPENDLIMIT=100")?);
/// assert!(rev2.has(Extension::Idle) && !rev2.lists(Extension::Idle)); // RFC 9051 appendix E
/// assert!(rev2.has_auth("scram-sha-256"));
/// assert_eq!(rev2.append_limit(), Some(100));
/// assert!(!rev2.without(Extension::Imap4Rev2).has(Extension::Idle)); // a server whose IMAP4rev2 is broken
/// # Ok::<(), mail46_imap_core::SyntaxError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Capabilities {
    list: CapabilityList,
    listed: u128,
    implied: u128,
}

const fn bit(extension: Extension) -> u128 {
    1 << extension as u32
}

impl<B: AsRef<[u8]>> From<&CapabilityList<B>> for Capabilities {
    fn from(list: &CapabilityList<B>) -> Self {
        let listed = list.iter().fold(0, |bits, capability| match capability {
            Capability::Extension(extension) => bits | bit(extension),
            _ => bits,
        });
        let list = CapabilityList(Bytes::copy_from_slice(list.as_bytes()));
        Self { list, listed, implied: implied(listed) }
    }
}

fn implied(listed: u128) -> u128 {
    let mut bits = listed;
    if bits & bit(Extension::Imap4Rev2) != 0 {
        bits = REV2.iter().fold(bits, |bits, extension| bits | bit(*extension));
    }
    for (one, other) in IMPLIED {
        if bits & bit(one) != 0 {
            bits |= bit(other);
        }
    }
    bits
}

impl Capabilities {
    /// What it lists.
    pub fn list(&self) -> &CapabilityList {
        &self.list
    }

    /// Whether it can do that, because it lists it or something that implies it.
    pub fn has(&self, extension: Extension) -> bool {
        self.implied & bit(extension) != 0
    }

    /// Whether it lists it by name.
    pub fn lists(&self, extension: Extension) -> bool {
        self.listed & bit(extension) != 0
    }

    /// The same server, if it could not do that: for what it promises and does not keep.
    #[must_use]
    pub fn without(&self, extension: Extension) -> Self {
        let words = self.list.words().filter(|word| !word.eq_ignore_ascii_case(extension.name().as_bytes()));
        Self::from(&CapabilityList::of(words))
    }

    /// The SASL mechanisms, in its order.
    pub fn auth(&self) -> impl Iterator<Item = &str> {
        self.values(|capability| match capability {
            Capability::Auth(mechanism) => Some(mechanism),
            _ => None,
        })
    }

    /// Whether it has a SASL mechanism of that name.
    pub fn has_auth(&self, mechanism: &str) -> bool {
        self.auth().any(|one| one.eq_ignore_ascii_case(mechanism))
    }

    /// The threading algorithms (RFC 5256).
    pub fn thread(&self) -> impl Iterator<Item = &str> {
        self.values(|capability| match capability {
            Capability::Thread(algorithm) => Some(algorithm),
            _ => None,
        })
    }

    /// The resources that a quota may limit (RFC 9208 s 3.1.1).
    pub fn quota_resources(&self) -> impl Iterator<Item = &str> {
        self.values(|capability| match capability {
            Capability::QuotaResource(name) => Some(name),
            _ => None,
        })
    }

    /// The rights besides the standard ones (RFC 4314 s 2.2).
    pub fn rights(&self) -> Option<&str> {
        self.values(|capability| match capability {
            Capability::Rights(rights) => Some(rights),
            _ => None,
        })
        .next()
    }

    /// Whether COMPRESS DEFLATE is taken (RFC 4978).
    pub fn compresses(&self) -> bool {
        self.list
            .iter()
            .any(|one| matches!(one, Capability::Compress(name) if name.eq_ignore_ascii_case(b"DEFLATE")))
    }

    /// Octets of a message at most, where that is the same for all mailboxes (RFC 7889).
    pub fn append_limit(&self) -> Option<u32> {
        self.list.iter().find_map(|one| if let Capability::AppendLimit(limit) = one { limit } else { None })
    }

    /// Messages that one command works on at most (RFC 9738).
    pub fn message_limit(&self) -> Option<NonZeroU32> {
        self.list.iter().find_map(|one| if let Capability::MessageLimit(n) = one { Some(n) } else { None })
    }

    /// Messages that one command may create at most (RFC 9738).
    pub fn save_limit(&self) -> Option<NonZeroU32> {
        self.list.iter().find_map(|one| if let Capability::SaveLimit(n) = one { Some(n) } else { None })
    }

    /// The greatest level of RFC 5255; 2 has what 1 has.
    pub fn i18n_level(&self) -> u32 {
        let levels = self.list.iter().filter_map(|one| match one {
            Capability::I18nLevel(level) => Some(level.get()),
            _ => None,
        });
        levels.max().unwrap_or(0)
    }

    /// Which literals it takes without being asked (RFC 7888).
    pub fn literals(&self) -> Literals {
        if self.has(Extension::LiteralPlus) {
            Literals::Plus
        } else if self.has(Extension::LiteralMinus) {
            Literals::Minus
        } else {
            Literals::Synchronizing
        }
    }

    /// Whether FETCH has BINARY: with the extension, or in IMAP4rev2 (RFC 9051 appendix E).
    pub fn fetches_binary(&self) -> bool {
        self.has(Extension::Binary) || self.has(Extension::Imap4Rev2)
    }

    fn values<'a>(
        &'a self,
        value: impl Fn(Capability<'a>) -> Option<&'a [u8]>,
    ) -> impl Iterator<Item = &'a str> {
        self.list.iter().filter_map(value).filter_map(|value| std::str::from_utf8(value).ok())
    }
}

impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capabilities({})", self.list.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::check::written;
    use crate::mode::{Mode, Profile};

    #[test]
    fn each_name_is_known_in_any_case_and_fits_a_bit() {
        assert!(Extension::ALL.len() <= 128);
        for extension in Extension::ALL {
            let lower = extension.name().to_ascii_lowercase();
            let list = CapabilityList::parse(lower.as_bytes()).unwrap();
            assert_eq!(list.iter().collect::<Vec<_>>(), [Capability::Extension(*extension)]);
            assert_eq!(written(|out| list.write(out)), lower, "as it came");
        }
    }

    #[test]
    fn values_are_read_and_what_is_none_of_them_is_kept() {
        use Capability::*;
        let n = |n| NonZeroU32::new(n).unwrap();
        for (text, want) in [
            ("AUTH=SCRAM-SHA-1-PLUS", Auth(b"SCRAM-SHA-1-PLUS")),
            ("auth=plain", Auth(b"plain")),
            ("AUTH=", Other(b"AUTH=")),
            ("APPENDLIMIT", AppendLimit(None)),
            ("APPENDLIMIT=257890", AppendLimit(Some(257_890))),
            ("APPENDLIMIT=0", AppendLimit(Some(0))),
            ("APPENDLIMIT=99999999999", Other(b"APPENDLIMIT=99999999999")),
            ("COMPRESS=DEFLATE", Compress(b"DEFLATE")),
            ("I18NLEVEL=2", I18nLevel(n(2))),
            ("I18NLEVEL=2x", Other(b"I18NLEVEL=2x")),
            ("MESSAGELIMIT=1000", MessageLimit(n(1000))),
            ("SAVELIMIT=1000", SaveLimit(n(1000))),
            ("QUOTA=RES-STORAGE", QuotaResource(b"STORAGE")),
            ("RIGHTS=texk", Rights(b"texk")),
            ("THREAD=REFS", Thread(b"REFS")),
            ("XYZZY", Other(b"XYZZY")),
            ("IMAP4REV3", Other(b"IMAP4REV3")),
            ("SORT=", Other(b"SORT=")),
        ] {
            let list = CapabilityList::parse(text.as_bytes()).unwrap();
            assert_eq!(list.iter().collect::<Vec<_>>(), [want], "{text}");
        }
    }

    #[test]
    fn lists_and_a_space_at_their_end() {
        for (text, at, liberal, shows) in [
            ("IMAP4rev1 IDLE", None, "IMAP4rev1 IDLE", "two"),
            ("IMAP4rev1 IDLE ", Some(14), "IMAP4rev1 IDLE", "Courier"),
            ("IMAP4rev1  IDLE", Some(9), "IMAP4rev1 IDLE", "two spaces"),
        ] {
            let (strict, loose) = (Mode::new(Profile::Strict), Mode::new(Profile::Liberal));
            let read = CapabilityList::read(&mut Cursor::borrowed(text.as_bytes(), &strict));
            assert_eq!(read.err().map(|error| error.at()), at, "{shows}");
            let list = CapabilityList::read(&mut Cursor::borrowed(text.as_bytes(), &loose)).unwrap();
            assert_eq!(written(|out| list.write(out)), liberal, "{shows}");
        }
        for text in [" IDLE", "(", "a b\"", "é"] {
            assert!(CapabilityList::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(
            CapabilityList::of(["IDLE", "a b", "", "x\r\ny", "AUTH=PLAIN"]).as_bytes(),
            b"IDLE AUTH=PLAIN"
        );
    }

    #[test]
    fn what_follows_from_what() {
        let of = |text: &str| Capabilities::from(&CapabilityList::parse(text.as_bytes()).unwrap());
        let rev2 = of("IMAP4rev2");
        for extension in Extension::ALL {
            let is_part = REV2.contains(extension) || *extension == Extension::Imap4Rev2;
            assert_eq!(rev2.has(*extension), is_part, "{extension:?}");
        }
        assert!(rev2.fetches_binary() && !rev2.has(Extension::Binary));
        assert!(of("QRESYNC").has(Extension::CondStore) && of("QRESYNC").has(Extension::Enable));
        assert!(of("CONTEXT=SORT").has(Extension::Sort));
        assert!(!of("SORT").has(Extension::Esort));
        assert_eq!(of("IMAP4rev1").literals(), Literals::Synchronizing);
        assert_eq!(of("IMAP4rev1 LITERAL-").literals(), Literals::Minus);
        assert_eq!(of("IMAP4rev2").literals(), Literals::Minus);
        assert_eq!(of("IMAP4rev2 LITERAL+").literals(), Literals::Plus);
        let some =
            of("I18NLEVEL=1 I18NLEVEL=2 COMPRESS=deflate RIGHTS=texk QUOTA=RES-A QUOTA=RES-B THREAD=REFS");
        assert_eq!((some.i18n_level(), some.compresses(), some.rights()), (2, true, Some("texk")));
        assert_eq!(some.quota_resources().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(some.thread().collect::<Vec<_>>(), ["REFS"]);
    }
}
