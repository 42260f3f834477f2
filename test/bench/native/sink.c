/*
 * The measuring peer of the TCP check benchmark: listens on one port of all loopback addresses, accepts and closes, and
 * notes for each address when it was connected to. On SIGTERM it prints one JSON line: connections, and how far the
 * intervals between connections to the same address were from the wanted interval.
 *
 *   sink PORT TARGETS INTERVAL_MS      target n is 127.(1+n/65536).(n/256%256).(n%256)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop, reset;
static void on_term(int s) { (void)s; stop = 1; }
static void on_reset(int s) { (void)s; reset = 1; }

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

#define BUCKETS 200001 /* 0.01 ms each, up to 2 s */
static unsigned buckets[BUCKETS];

int main(int argc, char **argv)
{
	if (argc != 4) return 2;
	int port = atoi(argv[1]), targets = atoi(argv[2]);
	double interval = atof(argv[3]);
	double *last = calloc(targets, sizeof *last);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (void *)&a, sizeof a) || listen(fd, 4096)) { perror("listen"); return 1; }
	struct sigaction sa = { .sa_handler = on_term };
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = on_reset;
	sigaction(SIGUSR1, &sa, NULL);
	puts("ready");
	fflush(stdout);
	unsigned long connections = 0, intervals = 0;
	double started = now_ms();
	while (!stop) {
		if (reset) {
			reset = 0;
			connections = intervals = 0;
			memset(buckets, 0, sizeof buckets);
			memset(last, 0, targets * sizeof *last);
			started = now_ms();
		}
		struct pollfd p = { fd, POLLIN, 0 };
		poll(&p, 1, 100);
		for (;;) {
			struct sockaddr_in local;
			socklen_t l = sizeof local;
			int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (c < 0) break;
			double t = now_ms();
			if (getsockname(c, (void *)&local, &l) == 0) {
				unsigned n = ntohl(local.sin_addr.s_addr) - 0x7f010000u;
				if (n < (unsigned)targets) {
					if (last[n] > 0) {
						double off = t - last[n] - interval;
						if (off < 0) off = -off;
						unsigned b = off * 100;
						buckets[b < BUCKETS ? b : BUCKETS - 1]++;
						intervals++;
					}
					last[n] = t;
				}
			}
			close(c);
			connections++;
		}
	}
	double seconds = (now_ms() - started) / 1e3;
	double within20 = 0, p[3] = { 0, 0, 0 }, want[3] = { 0.5, 0.99, 0.999 };
	unsigned long sum = 0;
	for (int b = 0; b < BUCKETS; b++) {
		sum += buckets[b];
		if (b == 2000) within20 = sum;
		for (int i = 0; i < 3; i++)
			if (p[i] == 0 && sum > 0 && sum >= want[i] * intervals) p[i] = b / 100.0;
	}
	printf("{\"seconds\":%.3f,\"connections\":%lu,\"intervals\":%lu,\"within20Ms\":%.6f,\"offMsP50\":%.2f,\"offMsP99\":%.2f,\"offMsP999\":%.2f}\n",
	       seconds, connections, intervals, intervals ? within20 / intervals : 0, p[0], p[1], p[2]);
	return 0;
}
