use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Config, FamilyPolicy, Memory, Resolver, SystemResolver};

/// How to connect. Cheap to clone, made once and used for many connections.
///
/// ```
/// use std::{sync::{Arc, Mutex}, time::Duration};
/// use mail46_connect::{Config, FamilyPolicy, Memory, Options};
///
/// let options = Options::new()
///     .config(Config::new().policy(FamilyPolicy::PreferIpv6).deadline(Some(Duration::from_secs(10))))
///     .memory(Arc::new(Mutex::new(Memory::default())))
///     .local_address("2001:db8::25".parse().unwrap()) // IPv6 only; IPv4 stays free
///     .keepalive(Some(Duration::from_secs(60)));
/// # let _ = options;
/// ```
#[derive(Clone)]
pub struct Options {
    pub(crate) config: Config,
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) memory: Option<Arc<Mutex<Memory>>>,
    pub(crate) sockets: Arc<Sockets>,
}

/// What concerns the sockets.
#[derive(Clone, Debug)]
pub(crate) struct Sockets {
    pub(crate) local_v4: Option<Ipv4Addr>,
    pub(crate) local_v6: Option<Ipv6Addr>,
    pub(crate) device_v4: Option<String>,
    pub(crate) device_v6: Option<String>,
    pub(crate) nodelay: bool,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) user_timeout: Option<Duration>,
    pub(crate) send_buffer: Option<usize>,
    pub(crate) receive_buffer: Option<usize>,
    pub(crate) prepare: Option<Prepare>,
}

#[derive(Clone)]
pub(crate) struct Prepare(
    pub(crate) Arc<dyn Fn(&socket2::Socket, SocketAddr) -> io::Result<()> + Send + Sync>,
);

impl Options {
    /// RFC 8305's values, the system's resolver, no memory, TCP_NODELAY.
    pub fn new() -> Self {
        Self {
            config: Config::new(),
            resolver: Arc::new(SystemResolver),
            memory: None,
            sockets: Arc::new(Sockets {
                local_v4: None,
                local_v6: None,
                device_v4: None,
                device_v6: None,
                nodelay: true,
                keepalive: None,
                user_timeout: None,
                send_buffer: None,
                receive_buffer: None,
                prepare: None,
            }),
        }
    }

    /// The race's own values.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// The family policy alone; the rest of the configuration stays.
    #[must_use]
    pub fn policy(self, policy: FamilyPolicy) -> Self {
        Self { config: self.config.policy(policy), ..self }
    }

    /// Whom to ask for addresses.
    #[must_use]
    pub fn resolver(self, resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, ..self }
    }

    /// What failed lately, shared by all connections of a process on one network.
    #[must_use]
    pub fn memory(self, memory: Arc<Mutex<Memory>>) -> Self {
        Self { memory: Some(memory), ..self }
    }

    /// The local address for connections of its family.
    #[must_use]
    pub fn local_address(self, address: IpAddr) -> Self {
        self.sockets(|sockets| match address.to_canonical() {
            IpAddr::V4(ip) => sockets.local_v4 = Some(ip),
            IpAddr::V6(ip) => sockets.local_v6 = Some(ip),
        })
    }

    /// The devices for connections of either family (Linux and Android; elsewhere attempts fail).
    #[must_use]
    pub fn devices(self, v4: Option<&str>, v6: Option<&str>) -> Self {
        self.sockets(|sockets| {
            sockets.device_v4 = v4.map(str::to_owned);
            sockets.device_v6 = v6.map(str::to_owned);
        })
    }

    /// TCP_NODELAY: on, unless switched off here.
    #[must_use]
    pub fn nodelay(self, nodelay: bool) -> Self {
        self.sockets(|sockets| sockets.nodelay = nodelay)
    }

    /// TCP keep-alive after this time without traffic.
    #[must_use]
    pub fn keepalive(self, idle: Option<Duration>) -> Self {
        self.sockets(|sockets| sockets.keepalive = idle)
    }

    /// TCP_USER_TIMEOUT (Linux and Android; elsewhere without effect).
    #[must_use]
    pub fn user_timeout(self, timeout: Option<Duration>) -> Self {
        self.sockets(|sockets| sockets.user_timeout = timeout)
    }

    /// The sizes of the socket's buffers in octets.
    #[must_use]
    pub fn buffers(self, send: Option<usize>, receive: Option<usize>) -> Self {
        self.sockets(|sockets| {
            sockets.send_buffer = send;
            sockets.receive_buffer = receive;
        })
    }

    /// Anything else to be done to a socket before it connects: marks, traffic classes, transparent proxies.
    #[must_use]
    pub fn prepare(
        self,
        prepare: impl Fn(&socket2::Socket, SocketAddr) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.sockets(|sockets| sockets.prepare = Some(Prepare(Arc::new(prepare))))
    }

    fn sockets(mut self, change: impl FnOnce(&mut Sockets)) -> Self {
        change(Arc::make_mut(&mut self.sockets));
        self
    }

    /// The memory, locked. Nothing panics while it is, so that it is whole even when poisoned.
    pub(crate) fn lock_memory(&self) -> Option<MutexGuard<'_, Memory>> {
        self.memory.as_ref().map(|memory| memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, memory, sockets, .. } = self;
        let mut out = f.debug_struct("Options");
        out.field("config", config).field("memory", memory).field("sockets", sockets).finish_non_exhaustive()
    }
}

impl fmt::Debug for Prepare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepare")
    }
}
