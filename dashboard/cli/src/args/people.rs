//! What can be typed about people, programs and screens that may log in.

use clap::{Args, Subcommand};

/// `fansipan tokens`
#[derive(Debug, Args)]
pub struct TokensArgs {
    /// What to do with tokens
    #[command(subcommand)]
    pub verb: TokensVerb,
}

/// Verbs of `fansipan tokens`
#[derive(Debug, Subcommand)]
pub enum TokensVerb {
    /// List tokens, without their secrets
    List,
    /// Make a token; it is printed once and cannot be shown again
    Create {
        /// Name, such as the sender's
        name: String,
        /// What it may do: sender (HTTP ingest only), viewer, analyst, responder, engineer, auditor, administrator
        #[arg(long, required = true)]
        role: Vec<String>,
        /// Whose data; not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Days until it expires
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Make a token useless
    Revoke {
        /// Its name
        name: String,
    },
}

/// `fansipan users`
#[derive(Debug, Args)]
pub struct UsersArgs {
    /// What to do with users
    #[command(subcommand)]
    pub verb: UsersVerb,
}

/// Verbs of `fansipan users`
#[derive(Debug, Subcommand)]
pub enum UsersVerb {
    /// List users
    List,
    /// Make a user; the one-time password is printed once
    Create {
        /// User name
        name: String,
        /// What they may do: viewer, analyst, responder, engineer, auditor, administrator (repeatable)
        #[arg(long, required = true)]
        role: Vec<String>,
        /// Whose data (repeatable); not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Name as shown
        #[arg(long)]
        display_name: Option<String>,
        /// vi or en
        #[arg(long, default_value = "vi", value_parser = ["vi", "en"])]
        language: String,
    },
    /// Change what a user may do and see; ends their sessions
    Change {
        /// User name
        name: String,
        /// The roles from now on (repeatable)
        #[arg(long)]
        role: Vec<String>,
        /// The agencies from now on (repeatable)
        #[arg(long)]
        agency: Vec<String>,
        /// Every agency's data from now on
        #[arg(long, conflicts_with = "agency")]
        all_agencies: bool,
    },
    /// Refuse a user's logins and end their sessions
    Disable {
        /// User name
        name: String,
    },
    /// Let a user log in again
    Enable {
        /// User name
        name: String,
    },
    /// Give a user a one-time password, printed once
    Password {
        /// User name
        name: String,
    },
    /// Remove a user's second factor, so that they enrol another
    ResetFactor {
        /// User name
        name: String,
    },
    /// Remove a user
    Remove {
        /// User name
        name: String,
    },
}

/// `fansipan sessions`
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// What to do with sessions
    #[command(subcommand)]
    pub verb: SessionsVerb,
}

/// Verbs of `fansipan sessions`
#[derive(Debug, Subcommand)]
pub enum SessionsVerb {
    /// List open sessions
    List,
    /// End a session
    End {
        /// Session id
        id: String,
    },
}

/// `fansipan wall-devices`
#[derive(Debug, Args)]
pub struct WallDevicesArgs {
    /// What to do with screens
    #[command(subcommand)]
    pub verb: WallDevicesVerb,
}

/// Verbs of `fansipan wall-devices`
#[derive(Debug, Subcommand)]
pub enum WallDevicesVerb {
    /// List screens
    List,
    /// Make a screen; the code to type at it is printed once and is good for fifteen minutes
    Create {
        /// Name of the screen
        name: String,
        /// Whose data it shows (repeatable); not given: every agency's
        #[arg(long)]
        agency: Vec<String>,
        /// Days until it must be enrolled anew
        #[arg(long, default_value_t = 365)]
        days: u32,
    },
    /// Enrol this terminal as a screen: its credential is kept as a profile, for `fansipan wall --profile NAME`
    Enrol {
        /// Name of the profile
        name: String,
        /// The code that `create` printed; without it: standard input
        code: Option<String>,
    },
    /// Make a screen's credential useless
    Revoke {
        /// Name of the screen
        name: String,
    },
}

/// `fansipan login`
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// Name of the profile, for --profile
    pub name: String,
}
