//! Children: asked to end by a console event, or ended together with what they started themselves by `taskkill`, which is part of Windows.

use std::io;
use std::os::windows::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

/// `CREATE_NEW_PROCESS_GROUP`.
const NEW_PROCESS_GROUP: u32 = 0x0000_0200;

/// Does nothing: [`super::guard`] is what ends a child with its parent.
pub fn die_with_parent(_command: &mut Command) {}

/// Makes the command's process the first of a group that input of the console does not reach.
pub fn lead_group(command: &mut Command) {
    command.creation_flags(NEW_PROCESS_GROUP);
}

/// Whether the child has ended. Its number belongs to nobody else as long as `child` is there.
pub fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// There are no signals.
#[must_use]
pub fn signal_of(_status: ExitStatus) -> Option<i32> {
    None
}

/// Processes cannot be stopped: false.
#[must_use]
pub fn set_stopped(_child: &Child, _stopped: bool) -> bool {
    false
}

/// Asks (Ctrl-Break) the processes of the console group led by the child `leader` to end; the child was started with [`lead_group`]. False
/// when there is none left, or none with a console to hear it.
///
/// # Errors
/// The number cannot be that of a child.
#[expect(unsafe_code, reason = "a call of the system")]
pub fn terminate_group(leader: u32) -> io::Result<bool> {
    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
    check(leader)?;
    // SAFETY: the call takes numbers only.
    Ok(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, leader) } != 0)
}

/// Ends the process and what it has started, at once and without a way to refuse. False when there is none left.
///
/// # Errors
/// The number cannot be that of a child, or `taskkill` is missing.
pub fn kill_group(leader: u32) -> io::Result<bool> {
    check(leader)?;
    let system = std::env::var_os("SystemRoot").unwrap_or_else(|| r"C:\Windows".into());
    // By its full path: a `taskkill` in the directory of a repository is not the system's.
    let program = std::path::Path::new(&system).join(r"System32\taskkill.exe");
    let mut command = Command::new(program);
    command.args(["/F", "/T", "/PID", &leader.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().map(|status| status.success())
}

/// Group 0 would be everybody at this console.
fn check(leader: u32) -> io::Result<()> {
    if leader == 0 || leader == std::process::id() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{leader} is not a child")));
    }
    Ok(())
}
