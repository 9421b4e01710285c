//! The root file system: root.squashfs behind dm-verity, under an overlay in memory.

use crate::error::{Doing, Error};
use crate::slot::Slot;
use linux::mount::{NO_DEVICES, NO_SUID, READ_ONLY, mount};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use verity::{Mapped, OnCorruption, Parameters, superblock};

const DEVICE: &str = "coracle-root";
/// The slot's root as it is, read-only.
pub(crate) const IMAGE: &str = "/run/coracle/root";
/// What was changed since boot.
pub(crate) const CHANGES: &str = "/run/coracle/overlay";
/// Where the root is put together; it becomes `/`.
pub(crate) const TARGET: &str = "/sysroot";

pub(crate) fn mount_slot(slot: &Slot) -> Result<(), Error> {
    let file = &slot.manifest.verity;
    let path = slot.directory.join(&file.file);
    let parameters = Parameters {
        algorithm: &file.algorithm,
        salt: &file.salt,
        root_hash: &file.root_hash,
        data_block_size: file.data_block_size,
        hash_block_size: file.hash_block_size,
        data_blocks: file.data_blocks,
        hash_offset: file.hash_offset,
    };
    let image = open_image(&path, slot, &parameters)?;
    // 512: the file system below may not keep files at multiples of more.
    let (loop_node, loop_device) =
        block::attach(&image, 512).doing(|| format!("attaching {} to a loop device", path.display()))?;
    let device = Mapped::open(DEVICE, &loop_node, &parameters, OnCorruption::Fail)
        .doing(|| format!("opening {} with dm-verity", path.display()))?;
    drop(loop_device);
    check_first_block(&device.node(), file.data_block_size)
        .doing(|| format!("{} does not match its manifest", path.display()))?;
    // From here on a bad block restarts the machine; before, there was still somebody to say why.
    device
        .replace_table(&parameters, OnCorruption::Restart)
        .doing(|| format!("opening {} with dm-verity", path.display()))?;
    make_directory(IMAGE)?;
    mount_at(&device.node(), IMAGE, "squashfs", READ_ONLY | NO_DEVICES, "")?;
    mount_overlay()
}

/// Opens the file and compares it with the manifest as far as that costs nothing: size and verity superblock. The kernel
/// does the rest, block by block.
fn open_image(path: &Path, slot: &Slot, parameters: &Parameters<'_>) -> Result<File, Error> {
    let file = File::open(path).doing(|| format!("opening {}", path.display()))?;
    let found = file.metadata().doing(|| format!("looking at {}", path.display()))?.len();
    let wanted = slot.manifest.file(&slot.manifest.verity.file).map_or(0, |file| file.size);
    if found != wanted {
        let text = format!("{} has {found} bytes, its manifest says {wanted}", path.display());
        return Err(Error::new(text));
    }
    let mut bytes = [0; superblock::SIZE];
    file.read_exact_at(&mut bytes, parameters.hash_offset)
        .doing(|| format!("reading the verity superblock of {}", path.display()))?;
    superblock::check(&bytes, parameters).doing(|| path.display())?;
    Ok(file)
}

/// The read that shows whether root hash, tree and data belong together.
fn check_first_block(node: &Path, size: u32) -> std::io::Result<()> {
    File::open(node)?.read_exact_at(&mut vec![0; size as usize], 0)
}

fn mount_overlay() -> Result<(), Error> {
    make_directory(CHANGES)?;
    mount_at(Path::new("tmpfs"), CHANGES, "tmpfs", NO_SUID | NO_DEVICES, "mode=0755,size=50%")?;
    let (upper, work) = (format!("{CHANGES}/upper"), format!("{CHANGES}/work"));
    make_directory(&upper)?;
    make_directory(&work)?;
    let options = format!("lowerdir={IMAGE},upperdir={upper},workdir={work}");
    mount_at(Path::new("overlay"), TARGET, "overlay", 0, &options)
}

fn make_directory(path: &str) -> Result<(), Error> {
    fs::create_dir_all(path).doing(|| format!("making {path}"))
}

fn mount_at(source: &Path, target: &str, kind: &str, flags: u64, options: &str) -> Result<(), Error> {
    mount(source, Path::new(target), kind, flags, options)
        .doing(|| format!("mounting {} ({kind}) at {target}", source.display()))
}
