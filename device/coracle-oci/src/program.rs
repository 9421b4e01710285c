//! The program to run: found by the container's PATH, with errors in the words that upper layers look for.

use crate::error::Error;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use kernel::{CWD, Errno, fs};
use runtime_spec::Process;

/// Where programs are looked for when the environment has no PATH.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The path of the first argument: itself if it has a slash, else the first executable file of that name in PATH.
pub(crate) fn find(process: &Process) -> Result<CString, Error> {
    let name = process.args.first().map(|name| name.as_c_str()).unwrap_or_default();
    let cannot = |errno| cannot_run(process, errno);
    if name.to_bytes().contains(&b'/') {
        return check(name).map(|()| name.into()).map_err(cannot);
    }
    let path = process.env.iter().rev().find_map(|pair| pair.as_bytes().strip_prefix(b"PATH="));
    let mut denied = false;
    for directory in path.unwrap_or(DEFAULT_PATH).split(|&byte| byte == b':').filter(|_| !name.is_empty()) {
        let directory = if directory.is_empty() { b"." } else { directory };
        let candidate = [directory, b"/", name.to_bytes()].concat();
        let Ok(candidate) = CString::new(candidate) else { continue };
        match check(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::EACCES) => denied = true,
            Err(_) => {}
        }
    }
    if denied {
        return Err(cannot(Errno::EACCES));
    }
    let what = format!("exec: {:?}: executable file not found in $PATH", name.to_string_lossy());
    Err(Error::Program { what, code: 127 })
}

/// Whether a file can be executed by who asks.
fn check(path: &CStr) -> kernel::Result<()> {
    let stat = fs::stat_at(CWD, path, 0)?;
    if stat.st_mode & fs::S_IFMT == fs::S_IFDIR {
        return Err(Errno::EISDIR);
    }
    if stat.st_mode & 0o111 == 0 { Err(Errno::EACCES) } else { Ok(()) }
}

/// The error for a program that the kernel does not run, or that is not there.
pub(crate) fn cannot_run(process: &Process, errno: Errno) -> Error {
    let name = process.args.first().map(|name| name.to_string_lossy()).unwrap_or_default();
    let (reason, code) = match errno {
        Errno::ENOENT | Errno::ENOTDIR => ("no such file or directory", 127),
        Errno::EACCES | Errno::EPERM => ("permission denied", 126),
        // The kernel's reason, which upper layers know.
        Errno::EISDIR => ("is a directory: permission denied", 126),
        Errno::ENOEXEC => ("exec format error", 126),
        other => return Error::system(format!("exec: {name:?}"), other),
    };
    let call = if code == 127 { format!("stat {name}: ") } else { alloc::string::String::new() };
    Error::Program { what: format!("exec: {name:?}: {call}{reason}"), code }
}

/// The environment, with HOME from the container's `/etc/passwd` if it has none.
pub(crate) fn environment(process: &Process) -> Vec<CString> {
    let mut environment = process.env.clone();
    if !environment.iter().any(|pair| pair.as_bytes().starts_with(b"HOME=")) {
        let home = home_of(process.user.uid).unwrap_or_else(|| b"/".to_vec());
        environment.extend(CString::new([b"HOME=", home.as_slice()].concat()));
    }
    environment
}

fn home_of(uid: u32) -> Option<Vec<u8>> {
    let table = fs::open(CWD, c"/etc/passwd", fs::O_RDONLY | fs::O_NONBLOCK, 0).ok()?;
    let regular = fs::stat_fd(table.borrow()).ok()?.st_mode & fs::S_IFMT == fs::S_IFREG;
    let table = regular.then(|| fs::read_all(table.borrow(), 1 << 20).ok())??;
    home_in(&table, uid)
}

/// The sixth field of the first line whose third is the user.
fn home_in(table: &[u8], uid: u32) -> Option<Vec<u8>> {
    let wanted = format!("{uid}");
    table.split(|&byte| byte == b'\n').find_map(|line| {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
        let home = *fields.get(5)?;
        (*fields.get(2)? == wanted.as_bytes() && !home.is_empty()).then(|| home.to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, path: &str) -> Process {
        Process {
            args: vec![CString::new(name).unwrap()],
            env: vec![CString::new(format!("PATH={path}")).unwrap()],
            ..Process::default()
        }
    }

    #[test]
    fn programs_are_found_as_a_shell_would() {
        assert_eq!(find(&process("sh", "/nowhere:/bin")).unwrap().as_c_str(), c"/bin/sh");
        assert_eq!(find(&process("/bin/sh", "")).unwrap().as_c_str(), c"/bin/sh");
        for (name, path, wanted, code) in [
            ("nope", "/bin", "exec: \"nope\": executable file not found in $PATH", 127),
            ("", "/bin", "exec: \"\": executable file not found in $PATH", 127),
            ("/nope", "/bin", "exec: \"/nope\": stat /nope: no such file or directory", 127),
            ("/etc/passwd", "/bin", "exec: \"/etc/passwd\": permission denied", 126),
            ("passwd", "/etc", "exec: \"passwd\": permission denied", 126),
            ("/bin", "/", "exec: \"/bin\": is a directory: permission denied", 126),
        ] {
            assert_eq!(find(&process(name, path)).unwrap_err(), Error::Program { what: wanted.into(), code }, "{name}");
        }
    }

    #[test]
    fn home_is_that_of_the_user() {
        let table = b"root:x:0:0:root:/root:/bin/sh\nbad\nsome:x:100:1::/home/some:\nnone:x:7:1:::\n";
        assert_eq!(home_in(table, 100), Some(b"/home/some".to_vec()));
        assert_eq!((home_in(table, 7), home_in(table, 5)), (None, None));
    }
}
