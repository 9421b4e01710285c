//! `linux.netDevices`: network interfaces of the runtime's network namespace become the container's. Their names and the
//! container's network namespace come in; what was moved goes out, and can be moved back if the container is not made after
//! all.
//!
//! The kernel takes an interface down when it moves it, and its addresses away. So those that stay and are valid everywhere
//! are read before, given to it again there, and it is set up. All that can be seen to be wrong is found before the first
//! interface is touched: a connection over it would not survive, even when everything is put back.

mod connection;
mod name;

use crate::error::{About, Error};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use connection::{Connection, Refusal};
use kernel::process::{self, CLONE_NEWNET};
use kernel::{BorrowedFd, CWD, Errno, Fd, fs};
use rtnetlink::{Address, Link, Which};

/// `netDevices`: names here, and names there where they differ.
type Devices = [(String, Option<String>)];

/// What was moved.
#[derive(Debug)]
pub(crate) struct Moved {
    /// The runtime's network namespace.
    own: Fd,
    here: Connection,
    there: Connection,
    devices: Vec<Device>,
}

/// An interface on its way.
#[derive(Debug)]
struct Device {
    /// As it was here.
    link: Link,
    addresses: Vec<Address>,
    /// Its number there, once it is there.
    moved: Option<i32>,
}

/// Moves all of them to a network namespace, or none.
pub(crate) fn move_devices(devices: &Devices, namespace: BorrowedFd<'_>) -> Result<Moved, Error> {
    let own = own_namespace()?;
    let stat = |fd| fs::stat_fd(fd).map(|stat| (stat.st_dev, stat.st_ino)).about(|| "look at a network namespace");
    if stat(own.borrow())? == stat(namespace)? {
        return Err(Error::config("linux.netDevices is set, but the container's network namespace is the runtime's"));
    }
    let here = Connection::open()?;
    let there = connect(namespace, &own)?;
    let mut moved = Moved { own, here, there, devices: Vec::new() };
    let done = moved.look(devices).and_then(|()| moved.carry(devices, namespace));
    if let Err(error) = done {
        return Err(match moved.undo() {
            Ok(()) => error,
            Err(undoing) => Error::Reported(format!("{error}; {undoing}")),
        });
    }
    Ok(moved)
}

fn own_namespace() -> Result<Fd, Error> {
    fs::open(CWD, c"/proc/self/ns/net", fs::O_RDONLY, 0).about(|| "open /proc/self/ns/net")
}

/// A connection to another network namespace; this process is in its own again afterwards.
fn connect(namespace: BorrowedFd<'_>, own: &Fd) -> Result<Connection, Error> {
    process::enter(namespace, CLONE_NEWNET).about(|| "enter the container's network namespace for linux.netDevices")?;
    let connection = Connection::open();
    process::enter(own.borrow(), CLONE_NEWNET).about(|| "go back to the runtime's network namespace")?;
    connection
}

fn field(name: &str) -> String {
    format!("linux.netDevices.{name}")
}

/// An error about a device, with the kernel's reason.
fn refused(what: &str, name: &str) -> impl FnOnce(Refusal) -> Error {
    let operation = format!("{}: {what}", field(name));
    move |refusal| refusal.about(&operation)
}

fn taken(device: &str, name: &str) -> Error {
    Error::config(format!("{}: the container's network namespace has a device {name} already", field(device)))
}

impl Moved {
    /// Finds the interfaces, and what is wrong with what is asked for.
    fn look(&mut self, devices: &Devices) -> Result<(), Error> {
        for (device, new) in devices {
            let link = self.here.link(Which::Name(device)).map_err(refused("look for the device", device))?;
            let Some(link) = link else {
                return Err(Error::config(format!("{}: there is no such network device", field(device))));
            };
            self.free_name(device, new.as_deref().unwrap_or(&link.name))?;
            let addresses =
                self.here.kept_addresses(link.index).map_err(refused("read the device's addresses", device))?;
            self.devices.push(Device { link, addresses, moved: None });
        }
        Ok(())
    }

    /// The name for a device there: as it is given, or from a template the first that is free, as the kernel has it.
    fn free_name(&mut self, device: &str, wanted: &str) -> Result<String, Error> {
        let mut names = name::candidates(wanted)
            .ok_or_else(|| Error::config(format!("{}: {wanted:?} is no template with one %d", field(device))))?;
        let free = names.find_map(|name| match self.there.link(Which::Name(&name)) {
            Ok(None) => Some(Ok(name)),
            Ok(Some(_)) => None,
            Err(refusal) => Some(Err(refusal)),
        });
        match free {
            Some(found) => found.map_err(refused("look for names in the container's network namespace", device)),
            None => Err(taken(device, wanted)),
        }
    }

    fn carry(&mut self, devices: &Devices, namespace: BorrowedFd<'_>) -> Result<(), Error> {
        for (index, (device, new)) in devices.iter().enumerate() {
            let Some(Device { link, .. }) = self.devices.get(index) else { continue };
            let link = link.clone();
            let name = self.free_name(device, new.as_deref().unwrap_or(&link.name))?;
            let result = self.here.move_link(link.index, namespace.raw(), &name);
            // It may have been moved, and not renamed.
            let is_there = if result.is_ok() { &name } else { &link.name };
            let moved = match &result {
                Err(_) if self.here.link(Which::Index(link.index)) != Ok(None) => None,
                _ => self.there.link(Which::Name(is_there)).map_err(refused("find the moved device", device))?,
            };
            let moved = moved.map(|link| link.index);
            let Some(entry) = self.devices.get_mut(index) else { continue };
            entry.moved = moved;
            match result {
                Err(Refusal { errno: Errno::EEXIST, .. }) => return Err(taken(device, &name)),
                other => other.map_err(refused("move the device", device))?,
            }
            let moved = moved.ok_or_else(|| Error::Reported(format!("{}: the moved device is gone", field(device))))?;
            for address in &entry.addresses {
                let address = address.clone().for_renamed(&link.name, &name);
                self.there.add_address(moved, &address).map_err(refused("give the device its addresses", device))?;
            }
            self.there.set_up(moved).map_err(refused("set the device up", device))?;
        }
        Ok(())
    }

    /// Moves everything back, and makes it as it was.
    pub(crate) fn undo(mut self) -> Result<(), Error> {
        let mut first = Ok(());
        for device in core::mem::take(&mut self.devices).iter().rev() {
            if let Some(moved) = device.moved {
                first = first.and(self.bring_back(device, moved));
            }
        }
        first
    }

    fn bring_back(&mut self, device: &Device, moved: i32) -> Result<(), Error> {
        let name = &device.link.name;
        let back = refused("move the device back", name);
        let link = match self.there.move_link(moved, self.own.raw(), name) {
            Ok(()) => self.here.link(Which::Name(name)),
            Err(refusal) => Err(refusal),
        };
        let Some(link) = link.map_err(back)? else { return Ok(()) };
        for address in &device.addresses {
            self.here.add_address(link.index, address).map_err(refused("give the device back its addresses", name))?;
        }
        if device.link.up {
            self.here.set_up(link.index).map_err(refused("set the device up again", name))?;
        }
        Ok(())
    }
}
