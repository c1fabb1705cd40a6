"""What servers start from: takes Debian packages and this program, gives disks, a kernel and an initrd."""
