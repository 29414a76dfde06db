/*
 * A file system that remembers only what was synced. Loaded into a process (LD_PRELOAD), it answers fsync and fdatasync
 * itself: what is durable at that moment goes to a shadow folder, from which `crash.ts` builds what a power cut would
 * leave. The strict reading of POSIX: a file's sync keeps its bytes, not its name; a folder's sync keeps its names.
 *
 *   FORGETFUL_ROOT    the folder watched
 *   FORGETFUL_SHADOW  where `files/<id>` holds synced bytes, `folders/<id>` synced names ("f <id> <name>" or "d <id> <name>")
 *   FORGETFUL_SLOW    files whose name ends so take 200 ms to sync (optional)
 *   FORGETFUL_DIE_AT  the process dies instead of doing its sync of this number, counted from 1 (optional)
 *
 * An id is inode number and birth time: inode numbers are used again. Files are taken to grow at their end only, as all of
 * ours do.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int identify(int at, const char *name, int flags, char *id, size_t size, mode_t *mode) {
  struct statx st;
  if (statx(at, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) != 0) return -1;
  if (!(st.stx_mask & STATX_BTIME)) return -1;
  unsigned long long born = (unsigned long long)st.stx_btime.tv_sec * 1000000000ull + st.stx_btime.tv_nsec;
  snprintf(id, size, "%llu-%llu", (unsigned long long)st.stx_ino, born);
  *mode = st.stx_mode;
  return 0;
}

/* The path of what is open, if it lies in the watched folder. */
static int watched(int fd, char *path, size_t size) {
  char link[64];
  const char *root = getenv("FORGETFUL_ROOT");
  if (!root) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, size - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t n = strlen(root);
  return strncmp(path, root, n) == 0 && (path[n] == 0 || path[n] == '/');
}

static int keep_file(int fd, const char *shadow, const char *id) {
  char link[64], path[4096], buffer[65536];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  snprintf(path, sizeof path, "%s/files/%s", shadow, id);
  int in = open(link, O_RDONLY), out = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  off_t at = out < 0 ? 0 : lseek(out, 0, SEEK_END);
  ssize_t got = -1;
  if (in >= 0 && out >= 0)
    while ((got = pread(in, buffer, sizeof buffer, at)) > 0) {
      if (write(out, buffer, got) != got) { got = -1; break; }
      at += got;
    }
  if (in >= 0) close(in);
  if (out >= 0) close(out);
  return got < 0 ? -1 : 0;
}

static int keep_folder(int fd, const char *shadow, const char *id) {
  char path[4096], unfinished[4200], entry_id[64];
  snprintf(path, sizeof path, "%s/folders/%s", shadow, id);
  snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
  int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY);
  DIR *folder = copy < 0 ? NULL : fdopendir(copy);
  FILE *out = fopen(unfinished, "w");
  if (!folder || !out) return -1;
  for (struct dirent *entry; (entry = readdir(folder));) {
    mode_t mode;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (identify(copy, entry->d_name, AT_SYMLINK_NOFOLLOW, entry_id, sizeof entry_id, &mode) != 0) continue;
    fprintf(out, "%c %s %s\n", S_ISDIR(mode) ? 'd' : 'f', entry_id, entry->d_name);
  }
  closedir(folder);
  if (fclose(out) != 0) return -1;
  /* At once, so that a kill leaves the old names or the new ones. */
  return rename(unfinished, path);
}

static void be_slow(const char *path) {
  const char *suffix = getenv("FORGETFUL_SLOW");
  size_t length = strlen(path);
  if (suffix && length > strlen(suffix) && !strcmp(path + length - strlen(suffix), suffix)) usleep(200000);
}

static void die_in_time(void) {
  static int syncs = 0;
  const char *last = getenv("FORGETFUL_DIE_AT");
  if (last && __sync_add_and_fetch(&syncs, 1) == atoi(last)) kill(getpid(), SIGKILL);
}

static int keep(int fd) {
  char id[64], path[4096];
  mode_t mode;
  const char *shadow = getenv("FORGETFUL_SHADOW");
  if (!shadow || !watched(fd, path, sizeof path)) return 0;
  die_in_time();
  be_slow(path);
  pthread_mutex_lock(&one_at_a_time);
  int failed = identify(fd, "", AT_EMPTY_PATH, id, sizeof id, &mode);
  if (!failed) failed = S_ISDIR(mode) ? keep_folder(fd, shadow, id) : keep_file(fd, shadow, id);
  pthread_mutex_unlock(&one_at_a_time);
  if (failed) errno = EIO;
  return failed;
}

int fsync(int fd) { return keep(fd); }
int fdatasync(int fd) { return keep(fd); }
