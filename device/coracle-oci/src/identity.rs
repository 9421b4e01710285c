//! What a container's process is and may: scheduling, limits, labels, user, capabilities, working directory.

use crate::error::{About, Error};
use crate::job::Job;
use alloc::format;
use core::ffi::CStr;
use kernel::schedule::{self, Scheduling};
use kernel::user::{self, Capabilities};
use kernel::{CWD, Errno, Fd, fs, process, security};
use runtime_spec::{Process, Rlimit};

/// Processors, scheduling, priority of input and output, memory policy, execution domain.
pub(crate) fn set_scheduling(job: &Job) -> Result<(), Error> {
    let process = &job.process;
    let last = process.exec_cpu_affinity.as_ref().and_then(|affinity| affinity.last.as_ref());
    if let Some(mask) = last.or(job.affinity.as_ref()) {
        schedule::set_affinity(0, mask).about(|| "set the processors of the process")?;
    }
    if let Some(wanted) = &process.scheduler {
        let scheduling = Scheduling {
            policy: wanted.policy,
            flags: wanted.flags,
            nice: wanted.nice,
            priority: wanted.priority,
            runtime: wanted.runtime,
            deadline: wanted.deadline,
            period: wanted.period,
        };
        schedule::set_scheduling(0, &scheduling).about(|| "set the scheduler of the process")?;
    }
    if let Some(priority) = process.io_priority {
        schedule::set_io_priority(priority.class, priority.level).about(|| "set the I/O priority of the process")?;
    }
    if let Some(policy) = &job.memory_policy {
        schedule::set_memory_policy(policy.mode, &policy.nodes).about(|| "set the memory policy")?;
    }
    if let Some(personality) = job.personality {
        process::set_personality(personality).about(|| "set the personality")?;
    }
    Ok(())
}

/// Sets limits of a process; 0: this one.
pub(crate) fn set_limits(pid: i32, limits: &[Rlimit]) -> Result<(), Error> {
    limits.iter().try_for_each(|limit| {
        schedule::set_limit(pid, limit.resource, limit.soft, limit.hard)
            .about(|| format!("set limit {} to {} and {}", limit.resource, limit.soft, limit.hard))
    })
}

/// Labels of AppArmor and SELinux for the program to come.
pub(crate) fn set_labels(process: &Process) -> Result<(), Error> {
    if let Some(profile) = &process.apparmor_profile {
        let text = format!("exec {profile}");
        write_attribute(&[c"attr/apparmor/exec", c"attr/exec"], &text)
            .about(|| format!("apply the AppArmor profile {profile}"))?;
    }
    if let Some(label) = &process.selinux_label {
        write_attribute(&[c"attr/exec"], label).about(|| format!("apply the SELinux label {label}"))?;
    }
    Ok(())
}

/// Writes to a file of this process in a procfs that is one, whatever the container has mounted where it should be (CVE-2019-16884,
/// CVE-2025-52881).
fn write_attribute(names: &[&CStr], text: &str) -> kernel::Result<()> {
    let proc = own_procfs()?;
    let mut result = Err(Errno::ENOENT);
    for name in names {
        let path = alloc::ffi::CString::new(format!("{}/{}", process::own_pid(), name.to_string_lossy()))
            .map_err(|_| Errno::EINVAL)?;
        result = fs::open_exactly(proc.borrow(), &path, fs::O_WRONLY);
        if result.is_ok() {
            break;
        }
    }
    fs::write_all(result?.borrow(), text.as_bytes())
}

/// A procfs that nobody else can have put there; or, without the right to make one, what is at `/proc`, if it is the root of
/// one.
fn own_procfs() -> kernel::Result<Fd> {
    use kernel::mount;
    let fresh = || {
        let context = mount::fsopen(c"proc")?;
        mount::create(context.borrow())?;
        mount::fsmount(context.borrow(), 0)
    };
    if let Ok(proc) = fresh() {
        return Ok(proc);
    }
    let proc = fs::open2(CWD, c"/proc", fs::O_PATH | fs::O_DIRECTORY, 0, fs::RESOLVE_NO_SYMLINKS)?;
    let root_of_procfs =
        fs::statfs_fd(proc.borrow())?.f_type as i64 == fs::PROC_SUPER_MAGIC && fs::stat_fd(proc.borrow())?.st_ino == 1;
    if root_of_procfs { Ok(proc) } else { Err(Errno::EOPNOTSUPP) }
}

/// Becomes the user, with exactly the capabilities that are asked for.
pub(crate) fn become_user(job: &Job) -> Result<(), Error> {
    let process = &job.process;
    let none = runtime_spec::Capabilities::default();
    let wanted = process.capabilities.as_ref().unwrap_or(&none);
    for capability in (0..64).filter(|&bit| wanted.bounding & 1 << bit == 0) {
        if !user::drop_from_bounding_set(capability).about(|| format!("drop capability {capability}"))? {
            // The kernel has none beyond.
            break;
        }
    }
    user::keep_capabilities(true).about(|| "prctl(PR_SET_KEEPCAPS)")?;
    if !job.groups_denied {
        user::set_groups(&process.user.additional_gids).about(|| "set the additional groups")?;
    } else if !process.user.additional_gids.is_empty() {
        return Err(Error::config("process.user.additionalGids: groups cannot be set in this user namespace"));
    }
    user::set_group(process.user.gid).about(|| format!("become group {}", process.user.gid))?;
    user::set_user(process.user.uid).about(|| format!("become user {}", process.user.uid))?;
    user::keep_capabilities(false).about(|| "prctl(PR_SET_KEEPCAPS)")?;
    let known = user::capabilities().about(|| "capget")?.permitted;
    let sets = Capabilities {
        effective: wanted.effective & known,
        permitted: wanted.permitted & known,
        inheritable: wanted.inheritable & known,
    };
    user::set_capabilities(sets).about(|| "set the capabilities")?;
    // Those that the kernel gives to root on exec are in no set here.
    let _ = user::clear_ambient();
    for capability in (0..64).filter(|&bit| wanted.ambient & sets.permitted & sets.inheritable & 1 << bit != 0) {
        user::raise_ambient(capability).about(|| format!("raise ambient capability {capability}"))?;
    }
    Ok(())
}

/// The mask of new files' modes.
pub(crate) fn set_umask(mask: Option<u32>) {
    fs::set_umask(mask.unwrap_or(0o022));
}

/// A session keyring of the container's own, that its processes may search.
pub(crate) fn join_keyring(name: &CStr) -> Result<(), Error> {
    const OWNER_SEARCH: u32 = 0x0008_0000;
    match security::join_session_keyring(name) {
        Ok(key) => {
            // Views of possessor and of owner as the kernel gives them, and searching.
            let _ = security::set_key_permissions(key, 0x3f01_0000 | OWNER_SEARCH);
            Ok(())
        }
        // A kernel without keys, or a filter above us; without a keyring of its own, it has none of ours either.
        Err(Errno::ENOSYS | Errno::EPERM | Errno::EDQUOT) => Ok(()),
        Err(errno) => Err(Error::system("join a session keyring", errno)),
    }
}

/// Changes to the working directory; makes it, if asked to, where it is not there.
pub(crate) fn enter_directory(path: &CStr, make: bool) -> Result<(), Error> {
    match fs::change_directory(path) {
        Err(Errno::ENOENT) if make => {
            let root = fs::open(CWD, c"/", fs::O_PATH | fs::O_DIRECTORY, 0).about(|| "open /")?;
            // A read-only root says so here.
            crate::rootfs::place::make_directories(root.borrow(), path)?;
        }
        // Perhaps the user is allowed to what root is not: of a network file system.
        Ok(()) | Err(Errno::EACCES) => {}
        Err(errno) => return Err(Error::system(format!("chdir {}", path.to_string_lossy()), errno)),
    }
    Ok(())
}

/// Changes to the working directory as the user, and sees that it is inside of the container (CVE-2024-21626). What was
/// `checked` before a filter was installed counts where the filter does not let us look again.
pub(crate) fn check_directory(path: &CStr, checked: bool) -> Result<(), Error> {
    let what = || format!("chdir {}", path.to_string_lossy());
    match fs::change_directory(path) {
        // Not as this user, but it was entered before, with more rights: then we are there, and not in the root.
        Err(Errno::EACCES) if fs::working_directory().is_ok_and(|here| here.as_bytes().len() > 1) => {}
        other => other.about(what)?,
    }
    // The kernel puts "(unreachable)" in front of what is outside of the root.
    match fs::working_directory() {
        Ok(directory) if directory.as_bytes().first() == Some(&b'/') => Ok(()),
        Ok(_) | Err(Errno::ENOENT) => {
            Err(Error::config(format!("process.cwd: {} is not in the container", path.to_string_lossy())))
        }
        Err(_) if checked => Ok(()),
        Err(errno) => Err(Error::system(what(), errno)),
    }
}
