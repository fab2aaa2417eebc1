//! E-mail through a relay: TLS unless the relay is on this host; recipients stand in the configuration only.

use std::path::PathBuf;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use serde::Deserialize;
use tokio::net::TcpStream;

use super::{Connector, Fault, PATIENCE, Presence, Work, mark, secret::Secret, within};
use crate::{
    action::{Action, ActionKind},
    protected::Cleared,
};

/// How the relay is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// STARTTLS, required.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// None; only to this host.
    None,
}

/// Settings of e-mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfig {
    /// The relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// PEM of the authority that signed its certificate; without it the system's.
    pub authority: Option<PathBuf>,
    /// Log-in name.
    pub user: Option<String>,
    /// File of the password.
    pub password: Option<PathBuf>,
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
}

struct Email {
    config: EmailConfig,
    from: Mailbox,
    to: Vec<Mailbox>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

pub(super) fn connect(config: &EmailConfig) -> Result<Box<dyn Connector>, String> {
    let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|e| format!("`{text}` is no mail address: {e}"));
    let to = config.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err("`to` names nobody".to_owned());
    }
    let here = config.host == "localhost" || config.host.parse::<std::net::IpAddr>().is_ok_and(|a| a.is_loopback());
    let tls = match config.security {
        Security::None if here => Tls::None,
        Security::None => return Err("`security = \"none\"` is for a relay on this host only".to_owned()),
        Security::Starttls => Tls::Required(parameters(config)?),
        Security::Tls => Tls::Wrapper(parameters(config)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port)
        .tls(tls)
        .timeout(Some(PATIENCE))
        .hello_name(ClientId::Domain("fansipan".to_owned()));
    builder = match (&config.user, &config.password) {
        (Some(user), Some(path)) => builder.credentials(Credentials::new(user.clone(), Secret::read(path)?.reveal().to_owned())),
        (None, None) => builder,
        _ => return Err("`user` and `password` go together".to_owned()),
    };
    Ok(Box::new(Email { from: mailbox(&config.from)?, to, transport: builder.build(), config: config.clone() }))
}

fn parameters(config: &EmailConfig) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(path) = &config.authority {
        let pem = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|e| format!("{}: {e}", path.display()))?);
    }
    builder.build_rustls().map_err(|e| format!("TLS: {e}"))
}

fn subject(action: &Action) -> String {
    let text = action.parameters.get("subject").cloned().unwrap_or_else(|| "Fansipan".to_owned());
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

fn text(action: &Action) -> String {
    let mut out = action.parameters.get("text").cloned().unwrap_or_default();
    out.push_str(&format!("\n\n-- \n{}\n", action.reason));
    if let Some(incident) = &action.incident {
        out.push_str(&format!("Sự cố / incident {incident}\n"));
    }
    out.push_str(&format!("Fansipan {}\n", action.id));
    out
}

impl Email {
    async fn send(&self, action: &Action) -> Result<String, Fault> {
        let at = format!("{}:{}", self.config.host, self.config.port);
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(subject(action))
            .message_id(Some(format!("<{}@fansipan>", mark(action))))
            .header(ContentType::TEXT_PLAIN);
        for mailbox in &self.to {
            message = message.to(mailbox.clone());
        }
        let message = message.body(text(action)).map_err(|e| Fault::refused(format!("the message cannot be made: {e}")))?;
        // a relay that does not even answer has taken nothing
        within(&at, async { TcpStream::connect(&at).await.map_err(|e| Fault::unreachable(format!("{at}: {e}"))) })
            .await
            .map_err(|f| Fault::unreachable(f.detail))?;
        let sent = within(&at, async { Ok(self.transport.send(message).await) }).await?;
        match sent {
            Ok(answer) => Ok(format!("{at} took it: {}", answer.message().collect::<Vec<_>>().join(" "))),
            Err(e) if e.is_permanent() || e.is_tls() || e.is_client() => Err(Fault::refused(format!("{at}: {e}"))),
            // 4xx: the relay did not take it and says to come back
            Err(e) if e.is_transient() => Err(Fault::unreachable(format!("{at}: {e}"))),
            Err(e) => Err(Fault::unclear(format!("{at}: {e}; the message may have been taken"))),
        }
    }
}

impl Connector for Email {
    fn does(&self) -> &'static [ActionKind] {
        &[ActionKind::Notify]
    }

    fn hosts(&self) -> Vec<String> {
        vec![self.config.host.clone()]
    }

    fn plan(&self, action: &Action) -> Vec<String> {
        let mut out =
            vec![format!("through {}:{} to {}: {}", self.config.host, self.config.port, self.config.to.join(", "), subject(action))];
        out.extend(text(action).lines().map(|l| format!("  {l}")));
        out
    }

    fn apply<'a>(&'a self, cleared: &'a Cleared<'a>) -> Work<'a, String> {
        Box::pin(self.send(cleared.action()))
    }

    fn undo<'a>(&'a self, _: &'a Action) -> Work<'a, String> {
        Box::pin(async { Ok("what was sent stays sent".to_owned()) })
    }

    fn probe<'a>(&'a self, _: &'a Action) -> Work<'a, Presence> {
        Box::pin(async { Ok(Presence::Unknown) })
    }
}
