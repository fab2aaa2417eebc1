//! The words of the loss ledger.

/// Why a record, a connection or a request was not taken. Each counts as one received and one refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A datagram that the kernel dropped because its socket buffer was full.
    KernelDrop,
    /// A datagram that came while the queue to the decoder was full.
    QueueFull,
    /// A record beyond the peer's allowance per second.
    RateLimit,
    /// A connection beyond the limit of all connections.
    ConnectionLimit,
    /// A connection beyond the peer's limit.
    PeerConnectionLimit,
    /// A TLS handshake that failed, or a client certificate that is missing or not trusted.
    Handshake,
    /// A TLS handshake that took too long.
    HandshakeTimeout,
    /// A connection without a byte for longer than the limit.
    IdleTimeout,
    /// An HTTP request without a valid token.
    Unauthorized,
    /// An HTTP request above the size limit.
    TooLarge,
    /// An HTTP body that is not text, or not what its headers say.
    NotText,
    /// An HTTP request while the log could not take more.
    Backpressure,
    /// A record that the log refused.
    NotStored,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 13] = [
        Reason::KernelDrop,
        Reason::QueueFull,
        Reason::RateLimit,
        Reason::ConnectionLimit,
        Reason::PeerConnectionLimit,
        Reason::Handshake,
        Reason::HandshakeTimeout,
        Reason::IdleTimeout,
        Reason::Unauthorized,
        Reason::TooLarge,
        Reason::NotText,
        Reason::Backpressure,
        Reason::NotStored,
    ];

    /// The word in counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::KernelDrop => "kernel_drop",
            Reason::QueueFull => "queue_full",
            Reason::RateLimit => "rate_limit",
            Reason::ConnectionLimit => "connection_limit",
            Reason::PeerConnectionLimit => "peer_connection_limit",
            Reason::Handshake => "handshake_failed",
            Reason::HandshakeTimeout => "handshake_timeout",
            Reason::IdleTimeout => "idle_timeout",
            Reason::Unauthorized => "unauthorized",
            Reason::TooLarge => "too_large",
            Reason::NotText => "not_text",
            Reason::Backpressure => "backpressure",
            Reason::NotStored => "not_stored",
        }
    }
}
