//! Files by descriptor: opened below a root that they cannot lead out of, and device nodes.

use crate::mount::c_string;
use crate::sys::container;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// How to walk a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    /// Follow a link that is the path's last part.
    pub follow: bool,
    /// The path has to be a directory.
    pub directory: bool,
    /// Links in the other parts are followed, too; they stay below the root.
    pub links: bool,
}

impl Walk {
    /// As the kernel walks the path of most system calls.
    pub const USUAL: Self = Self { follow: true, directory: false, links: true };
    /// To a directory, past links.
    pub const DIRECTORY: Self = Self { follow: true, directory: true, links: true };
    /// No link anywhere.
    pub const PLAIN: Self = Self { follow: true, directory: false, links: false };
}

/// A handle (`O_PATH`) on `path` as a process sees it whose root is `root`: `..` and links cannot leave it, and links of
/// `/proc` that jump elsewhere are refused with `ELOOP`.
pub fn open_in_root(root: &impl AsFd, path: &Path, walk: Walk) -> io::Result<File> {
    const NO_MAGIC_LINKS: u64 = 0x2;
    const NO_LINKS: u64 = 0x4;
    const IN_ROOT: u64 = 0x10;
    let resolve = IN_ROOT | NO_MAGIC_LINKS | if walk.links { 0 } else { NO_LINKS };
    let mut flags = libc::O_PATH;
    if !walk.follow {
        flags |= libc::O_NOFOLLOW;
    }
    if walk.directory {
        flags |= libc::O_DIRECTORY;
    }
    let path = c_string(path)?;
    // The kernel asks for another try when something was renamed meanwhile; somebody might rename for ever.
    for _ in 0..64 {
        match container::openat2(root.as_fd(), &path, flags, resolve) {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {}
            result => return result.map(File::from),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EAGAIN))
}

/// Opens `path` below `directory`, an open directory of procfs: magic links lead where they lead, but there is no `..`.
pub fn open_below(directory: &impl AsFd, path: &Path, read: bool) -> io::Result<File> {
    let flags = if read { libc::O_RDONLY } else { libc::O_PATH };
    container::openat2(directory.as_fd(), &c_string(path)?, flags, 0).map(File::from)
}

/// The kinds of device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// `S_IFCHR`
    Character,
    /// `S_IFBLK`
    Block,
}

/// A device node to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Character or block.
    pub kind: NodeKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// The permissions: the low nine bits.
    pub permissions: u32,
}

/// What the `mode` and `dev` of mknod(2) ask for: `None` if it is no device.
#[must_use]
pub fn node_of(mode: u32, device: u32) -> Option<Node> {
    let kind = match mode & libc::S_IFMT {
        libc::S_IFCHR => NodeKind::Character,
        libc::S_IFBLK => NodeKind::Block,
        _ => return None,
    };
    // The kernel's 32-bit encoding (new_decode_dev): minor's low 8 bits, major's 12, minor's other 12.
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    Some(Node { kind, major, minor, permissions: mode & 0o777 })
}

/// Makes a device node with exactly these permissions (the thread's mask is taken away first: have one of your own).
pub fn make_node(directory: &impl AsFd, name: &Path, node: Node) -> io::Result<()> {
    container::umask(0);
    let kind = match node.kind {
        NodeKind::Character => libc::S_IFCHR,
        NodeKind::Block => libc::S_IFBLK,
    };
    let device = libc::makedev(node.major, node.minor);
    container::mknodat(directory.as_fd(), &c_string(name)?, kind | node.permissions, device)
}

/// Makes an empty file without permissions, to mount something on.
pub fn make_mount_point(directory: &impl AsFd, name: &Path) -> io::Result<()> {
    container::mknodat(directory.as_fd(), &c_string(name)?, libc::S_IFREG, 0)
}

/// Removes a file.
pub fn remove(directory: &impl AsFd, name: &Path) -> io::Result<()> {
    container::unlinkat(directory.as_fd(), &c_string(name)?)
}

/// Gives a file to another user and group; a link itself.
pub fn give(directory: &impl AsFd, name: &Path, user: u32, group: u32) -> io::Result<()> {
    container::fchownat(directory.as_fd(), &c_string(name)?, user, group)
}

/// Makes `directory` the calling thread's working directory.
pub fn work_in(directory: &impl AsFd) -> io::Result<()> {
    container::fchdir(directory.as_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_cannot_leave_the_root() {
        let root = std::env::temp_dir().join(format!("in-root-{}", std::process::id()));
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        std::os::unix::fs::symlink("/../../../../etc/passwd", root.join("out")).unwrap();
        let open = File::open(&root).unwrap();
        let at = |path: &str, walk| open_in_root(&open, Path::new(path), walk);
        let place = |file: File| {
            use std::os::fd::AsRawFd;
            std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap()
        };
        assert_eq!(place(at("/link/../..", Walk::USUAL).unwrap()), root);
        assert_eq!(place(at("link", Walk::DIRECTORY).unwrap()), root.join("etc"));
        assert!(at("out", Walk::USUAL).is_err());
        assert_eq!(at("link", Walk::PLAIN).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn numbers_of_devices_are_read_as_the_kernel_reads_them() {
        let node = |mode, device| node_of(mode, device).unwrap();
        assert_eq!((node(0o20_666, 0x0ac8).major, node(0o20_666, 0x0ac8).minor), (10, 200));
        let large = node(0o60_600, 0xabc1_23ff);
        assert_eq!((large.kind, large.major, large.minor), (NodeKind::Block, 0x123, 0xabcff));
        assert_eq!(node_of(0o100_644, 0), None);
    }
}
