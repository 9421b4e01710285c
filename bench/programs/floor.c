/*
 * The least that a container can cost: the system calls that make one with PID, IPC, UTS, mount and network namespaces,
 * six mounts, the usual devices, masked and read-only paths, hard-coded, and then /bin/true. No configuration is read, no
 * state is kept, nothing is checked. Argument: the root file system.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int result) {
	if (result < 0) _exit(99);
}

static void device(const char *path, int major, int minor) {
	must(mknod(path, S_IFCHR | 0666, makedev(major, minor)));
}

static void hide(const char *path) {
	struct stat found;
	if (stat(path, &found) < 0) return;
	if (S_ISDIR(found.st_mode)) must(mount("tmpfs", path, "tmpfs", MS_RDONLY, "nr_inodes=1"));
	else must(mount("/dev/null", path, 0, MS_BIND, 0));
}

static void protect(const char *path) {
	if (mount(path, path, 0, MS_BIND | MS_REC, 0) < 0) return;
	must(mount(0, path, 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0));
}

static int inside(const char *root) {
	const unsigned long no = MS_NOSUID | MS_NOEXEC | MS_NODEV;
	umask(0);
	setsid();
	must(mount(0, "/", 0, MS_SLAVE | MS_REC, 0));
	must(mount(root, root, 0, MS_BIND | MS_REC, 0));
	must(chdir(root));
	must(mount("proc", "proc", "proc", 0, 0));
	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	must(mkdir("dev/pts", 0755));
	must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	must(mkdir("dev/shm", 0755));
	must(mount("shm", "dev/shm", "tmpfs", no, "mode=1777,size=65536k"));
	must(mkdir("dev/mqueue", 0755));
	must(mount("mqueue", "dev/mqueue", "mqueue", no, 0));
	must(mount("sysfs", "sys", "sysfs", no | MS_RDONLY, 0));
	device("dev/null", 1, 3);
	device("dev/zero", 1, 5);
	device("dev/full", 1, 7);
	device("dev/random", 1, 8);
	device("dev/urandom", 1, 9);
	device("dev/tty", 5, 0);
	must(symlink("/proc/self/fd", "dev/fd"));
	must(symlink("/proc/self/fd/0", "dev/stdin"));
	must(symlink("/proc/self/fd/1", "dev/stdout"));
	must(symlink("/proc/self/fd/2", "dev/stderr"));
	must(symlink("pts/ptmx", "dev/ptmx"));
	must(syscall(SYS_pivot_root, ".", "."));
	must(umount2(".", MNT_DETACH));
	must(chdir("/"));
	const char *masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
		"/sys/devices/virtual/powercap"};
	for (size_t i = 0; i < sizeof masked / sizeof *masked; i++) hide(masked[i]);
	const char *read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
	for (size_t i = 0; i < sizeof read_only / sizeof *read_only; i++) protect(read_only[i]);
	must(mount(0, "/", 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0));
	must(sethostname("floor", 5));
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	char *arguments[] = {"/bin/true", 0}, *environment[] = {"PATH=/bin", 0};
	execve("/bin/true", arguments, environment);
	return 98;
}

int main(int count, char **arguments) {
	if (count != 2) return 97;
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | SIGCHLD;
	pid_t child = syscall(SYS_clone, flags, 0, 0, 0, 0);
	must(child);
	if (child == 0) _exit(inside(arguments[1]));
	int status;
	must(waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
}
