//! The only part that knows a terminal, a clock and a network: turns keys and answers into messages, commands into calls, draws.
//!
//! Keys are read on a thread, calls run on another; this one takes what they bring, updates, draws, and waits for nothing else.

use std::{
    collections::HashMap,
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};

use anyhow::{Context as _, Result};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use fansipan_cli::client::{ApiError, Client};
use fansipan_cli::{Said, said, told};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::DefaultTerminal;
use serde_json::Value;
use tokio::{runtime::Builder, sync::mpsc, task::AbortHandle};

use crate::{
    message::{Ask, Command, Failure, Live, Message},
    sse::Events,
    state::{Place, State},
    update, view,
    words::Language,
};

/// A call that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// A stream that says nothing for so long is opened anew; it ticks every two seconds.
const SILENCE: Duration = Duration::from_secs(12);
/// Messages taken before the screen is drawn.
const BATCH: usize = 256;
/// Waits between attempts to open the stream.
const WAITS: [u64; 5] = [0, 1, 2, 5, 10];

/// How the console begins.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The language; the account's unless given.
    pub language: Option<Language>,
    /// Nothing but the wall.
    pub kiosk: bool,
    /// Begin with the alert queue.
    pub alerts: bool,
    /// Colours for a light terminal.
    pub light: bool,
    /// Where to write what comes in, to replay it.
    pub record: Option<PathBuf>,
}

/// A console that speaks to an appliance, without a terminal: whoever holds it gives it keys and draws its state.
pub struct Console {
    /// Everything it knows.
    pub state: State,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    calls: mpsc::UnboundedSender<Ask>,
}

impl Console {
    /// Asks for what the first screen shows, and opens the live stream.
    pub fn open(client: Client, mut state: State) -> Result<Self> {
        let (sender, messages) = channel();
        let calls = start_calls(client, sender.clone())?;
        for command in update::start(&mut state) {
            if let Command::Ask(ask) = command {
                let _ = calls.send(*ask);
            }
        }
        Ok(Self { state, messages, sender, calls })
    }

    /// Takes a message; gives back what only a terminal can do: ring, end.
    pub fn take(&mut self, message: Message) -> Vec<Command> {
        let mut left = update::update(&mut self.state, message);
        left.retain(|command| match command {
            Command::Ask(ask) => {
                let _ = self.calls.send((**ask).clone());
                false
            }
            Command::Bell | Command::Quit => true,
        });
        left
    }

    /// Waits for what the appliance says, at most so long; then whatever else is there already.
    pub fn wait(&self, patience: Duration) -> Vec<Message> {
        let first = self.messages.recv_timeout(patience).ok();
        first.into_iter().chain(self.messages.try_iter().take(BATCH)).collect()
    }
}

/// Runs in this terminal until the person leaves.
pub fn run(client: Client, options: &Options) -> Result<()> {
    let size = crossterm::terminal::size().context(said!(
        "FSP-TUI-003: this is no terminal: run it in one (over SSH: ssh -t)",
        "FSP-TUI-003: đây không phải là terminal: hãy chạy trong terminal (qua SSH: ssh -t)"
    ))?;
    let mut state = State::new(size, Timestamp::now(), TimeZone::system());
    (state.kiosk, state.light) = (options.kiosk, options.light);
    if let Some(language) = options.language {
        (state.language, state.chosen) = (language, true);
    }
    if options.alerts {
        state.place = Place::Alerts;
    }
    let recorder = options.record.as_ref().map(|path| {
        let failed = || {
            let path = path.display();
            said!("FSP-TUI-004: cannot write {path}", "FSP-TUI-004: không ghi được {path}")
        };
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(failed)
    });
    let recorder = recorder.transpose()?;
    let mut console = Console::open(client, state)?;
    let sender = console.sender.clone();
    let mut terminal =
        ratatui::try_init().context(said!("FSP-TUI-003: cannot draw on this terminal", "FSP-TUI-003: không vẽ được trên terminal này"))?;
    let pasting = crossterm::execute!(io::stdout(), event::EnableBracketedPaste);
    std::thread::Builder::new()
        .name("keys".into())
        .spawn(move || keys(&sender))
        .context(said!("FSP-TUI-005: cannot read keys", "FSP-TUI-005: không đọc được phím"))?;
    let end = pasting.map_err(Into::into).and_then(|()| turn(&mut terminal, &mut console, recorder));
    let _ = crossterm::execute!(io::stdout(), event::DisableBracketedPaste);
    ratatui::restore();
    end
}

/// Takes messages, updates, draws, until told to quit.
fn turn(terminal: &mut DefaultTerminal, console: &mut Console, mut recorder: Option<std::fs::File>) -> Result<()> {
    loop {
        terminal.draw(|frame| view::view(&console.state, frame)).context("the terminal is gone")?;
        let came = console.wait(until_next(&console.state));
        for message in std::iter::once(Message::Clock(Timestamp::now())).chain(came) {
            if let Some(file) = &mut recorder {
                writeln!(file, "{}", serde_json::to_string(&message)?)
                    .context(said!("FSP-TUI-004: cannot write the recording", "FSP-TUI-004: không ghi được bản ghi"))?;
            }
            for command in console.take(message) {
                match command {
                    Command::Bell => io::stdout().write_all(b"\x07").context("the terminal is gone")?,
                    Command::Quit => return Ok(()),
                    Command::Ask(_) => {}
                }
            }
        }
    }
}

/// How long nothing need be done: to the next second, or to what is due before.
fn until_next(state: &State) -> Duration {
    let now = Timestamp::now();
    let second = 1_000_000_000 - u64::try_from(now.subsec_nanosecond()).unwrap_or(0);
    let second = Duration::from_nanos(second);
    let due = state.wake().map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default());
    due.map_or(second, |due| due.min(second)).max(Duration::from_millis(5))
}

fn keys(sender: &Sender<Message>) {
    loop {
        let message = match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => name(key).map(Message::Key),
            Ok(Event::Paste(text)) => Some(Message::Paste(text)),
            Ok(Event::Resize(columns, rows)) => Some(Message::Size(columns, rows)),
            Ok(_) => None,
            // the terminal is gone: so is whoever sat at it
            Err(_) => Some(Message::Key("C-c".into())),
        };
        if message.is_some_and(|m| sender.send(m).is_err()) {
            return;
        }
    }
}

/// A key as `update` knows it.
fn name(key: KeyEvent) -> Option<String> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char(c) if control => format!("C-{}", c.to_ascii_lowercase()),
        KeyCode::Char(' ') => "Space".into(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".into(),
        KeyCode::Esc => "Escape".into(),
        KeyCode::Tab => "Tab".into(),
        KeyCode::BackTab => "BackTab".into(),
        KeyCode::Backspace => "Backspace".into(),
        KeyCode::Delete => "Delete".into(),
        KeyCode::Up => "Up".into(),
        KeyCode::Down => "Down".into(),
        KeyCode::Left => "Left".into(),
        KeyCode::Right => "Right".into(),
        KeyCode::PageUp => "PageUp".into(),
        KeyCode::PageDown => "PageDown".into(),
        KeyCode::Home => "Home".into(),
        KeyCode::End => "End".into(),
        _ => return None,
    })
}

/// Starts the thread that speaks to the appliance.
fn start_calls(client: Client, sender: Sender<Message>) -> Result<mpsc::UnboundedSender<Ask>> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context(said!("FSP-TUI-005: cannot start", "FSP-TUI-005: không khởi động được"))?;
    let (asks, mut asked) = mpsc::unbounded_channel::<Ask>();
    let work = async move {
        tokio::spawn(listen(client.clone(), sender.clone()));
        let mut open: HashMap<&'static str, AbortHandle> = HashMap::new();
        while let Some(ask) = asked.recv().await {
            let slot = ask.slot();
            let task = tokio::spawn(call(client.clone(), ask, sender.clone()));
            if let Some(older) = slot.and_then(|slot| open.insert(slot, task.abort_handle())) {
                older.abort();
            }
        }
    };
    std::thread::Builder::new()
        .name("calls".into())
        .spawn(move || runtime.block_on(work))
        .context(said!("FSP-TUI-005: cannot start", "FSP-TUI-005: không khởi động được"))?;
    Ok(asks)
}

/// A file may take longer than other answers.
const FILE_PATIENCE: Duration = Duration::from_secs(900);

async fn call(client: Client, ask: Ask, sender: Sender<Message>) {
    if let Some(file) = ask.file {
        let kept = tokio::time::timeout(FILE_PATIENCE, fansipan_cli::verbs::keep_packets(&client, &ask.path, Path::new(&file))).await;
        let result = match kept {
            Ok(kept) => kept
                .and_then(|kept| Ok(serde_json::to_value(kept)?))
                .map_err(|e| e.downcast_ref::<ApiError>().map_or_else(|| trouble(&e), failure)),
            Err(_) => {
                let said = said!("no answer within a quarter of an hour", "mười lăm phút không có câu trả lời");
                Err(Failure::new("FSP-API-017", said))
            }
        };
        let _ = sender.send(Message::Answer { purpose: ask.purpose, result });
        return;
    }
    let asked =
        async { if ask.body == Value::Null { client.get(&ask.path, &ask.query).await } else { client.post(&ask.path, &ask.body).await } };
    let result = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|e| failure(&e)),
        Err(_) => Err(Failure::new("FSP-API-017", said!("no answer within a minute", "một phút không có câu trả lời"))),
    };
    let _ = sender.send(Message::Answer { purpose: ask.purpose, result });
}

/// What went wrong on this computer: its text begins with its code.
fn trouble(error: &anyhow::Error) -> Failure {
    Failure::new("", Said { en: told(error, false), vi: told(error, true) })
}

fn failure(error: &ApiError) -> Failure {
    let (code, said, position) = match error {
        ApiError::Unreachable { .. } => {
            return Failure { code: "unreachable".to_owned(), detail: error.to_string(), ..Failure::default() };
        }
        ApiError::Denied(detail) => ("denied", detail, None),
        ApiError::Missing(detail) => ("missing", detail, None),
        ApiError::Refused { code, detail, position } => (code.as_str(), detail, *position),
    };
    // what comes from elsewhere than the appliance, a proxy perhaps, is said by its kind
    let detail_vi = if said.vi == said.en { String::new() } else { said.vi.clone() };
    Failure { code: code.to_owned(), detail: said.en.clone(), detail_vi, position }
}

/// Keeps the live stream open for as long as the console runs.
async fn listen(client: Client, sender: Sender<Message>) {
    let mut failures = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(WAITS[failures.min(WAITS.len() - 1)])).await;
        let mut heard = false;
        let why = stream(&client, &sender, &mut heard).await;
        failures = if heard { 1 } else { failures + 1 };
        if sender.send(Message::Live(Live::Lost(why))).is_err() {
            return;
        }
    }
}

/// Reads the stream until it breaks off or falls silent; why it ended.
async fn stream(client: &Client, sender: &Sender<Message>, heard: &mut bool) -> String {
    let mut events = Events::default();
    let (pulse, mut pulses) = mpsc::channel::<()>(1);
    let reading = client.download("/stream", &[], |piece| {
        if !*heard {
            *heard = true;
            let _ = sender.send(Message::Live(Live::Open));
        }
        let _ = pulse.try_send(());
        events.take(piece, |name, data| {
            if let Ok(data) = serde_json::from_str(data) {
                let _ = sender.send(Message::Live(Live::Event { name: name.to_owned(), data }));
            }
        });
        Ok(())
    });
    let silent = async { while let Ok(Some(())) = tokio::time::timeout(SILENCE, pulses.recv()).await {} };
    tokio::select! {
        end = reading => end.err().map_or_else(|| "the stream ended".to_owned(), |e| e.to_string()),
        () = silent => "the stream fell silent".to_owned(),
    }
}
