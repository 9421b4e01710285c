//! Block devices as sysfs shows them: partitions by their GPT name, waited for with a limit; and loop devices.

mod loop_device;
mod partition;

pub use loop_device::attach;
pub use partition::{Partition, Sysfs, wait_for};
