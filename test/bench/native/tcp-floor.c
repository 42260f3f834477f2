/*
 * The floor of the TCP check benchmark: a plain epoll loop that checks each target once per interval and does nothing
 * else: socket, linger off, connect, epoll, SO_ERROR, close. No configuration, no states, no logs. Runs until SIGTERM,
 * then prints one JSON line with its own CPU time.
 *
 *   tcp-floor PORT TARGETS INTERVAL_MS
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static void on_term(int s) { (void)s; stop = 1; }

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
	if (argc != 4) return 2;
	int port = atoi(argv[1]), targets = atoi(argv[2]), next = 0;
	double interval = atof(argv[3]), start = now_ms(), round = 0;
	unsigned long good = 0, bad = 0;
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[256];
	struct sigaction sa = { .sa_handler = on_term };
	sigaction(SIGTERM, &sa, NULL);
	while (!stop) {
		double t = now_ms(), due;
		/* Target n is due at start + n/targets of the interval, in every round. */
		while ((due = start + round * interval + interval * next / targets) <= t) {
			int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
			struct linger l = { 1, 0 };
			struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(0x7f010000u + next) } };
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
			if (connect(fd, (void *)&a, sizeof a) && errno != EINPROGRESS) {
				bad++;
				close(fd);
			} else {
				struct epoll_event e = { .events = EPOLLOUT, .data = { .fd = fd } };
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
			}
			if (++next == targets) { next = 0; round++; }
		}
		int wait = due - now_ms() + 1;
		int n = epoll_wait(ep, events, 256, wait > 0 ? wait : 0);
		for (int i = 0; i < n; i++) {
			int e = 0;
			socklen_t l = sizeof e;
			getsockopt(events[i].data.fd, SOL_SOCKET, SO_ERROR, &e, &l);
			if (e) bad++; else good++;
			close(events[i].data.fd);
		}
	}
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	printf("{\"good\":%lu,\"bad\":%lu,\"cpuSeconds\":%.6f}\n", good, bad,
	       r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6);
	return 0;
}
