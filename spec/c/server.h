/*
 * server.h: a loopback HTTP server in a thread of the test, which says what it is told to, above
 * all wrong things.
 *
 *     struct server srv;
 *     server_start(&srv);
 *     server_reply(&srv, "GET /a", SERVE_CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
 *     ... requests to srv.port ...
 *     CHECK(server_asked(&srv, 0, "Range: bytes=5-"));
 *     server_stop(&srv);
 *
 * A request gets the first reply that is not used up and whose `match` is part of the request;
 * if there is none, the connection is closed without an answer.
 */
#ifndef SERVER_H
#define SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_MAX 512 /* replies, requests and connections of a test */

enum server_end {
	SERVE_CLOSE,   /* after the reply the connection closes */
	SERVE_KEEP,    /* it waits for another request */
	SERVE_STALL,   /* it stays open, and nothing more comes */
	SERVE_ENDLESS, /* more and more comes */
	SERVE_RESET    /* it is reset */
};

struct server_reply {
	char *match, *data;
	size_t len;
	enum server_end end;
	unsigned left; /* times that it is given yet */
};

struct server {
	int fd;
	unsigned port;
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below */
	struct server_reply replies[SERVER_MAX];
	size_t nreplies;
	char *requests[SERVER_MAX];
	size_t nrequests;
	struct server_connection {
		struct server *srv;
		pthread_t thread;
		int fd; /* -1: closed */
	} connections[SERVER_MAX];
	size_t nconnections, open, most; /* open now, and at the same time at most */
	bool stopping;
};

/* --- one connection ------------------------------------------------------------------- */

static bool server_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static size_t server_body_length(const char *head)
{
	const char *field = strcasestr(head, "\r\nContent-Length:");

	return field ? (size_t)strtoul(field + 17, NULL, 10) : 0;
}

/* A request, head and body, in new memory; NULL when the client has gone. */
static char *server_read(int fd)
{
	size_t cap = 1 << 18, len = 0;
	char *text = calloc(1, cap), *end;

	while (len + 1 < cap) {
		ssize_t n = recv(fd, text + len, cap - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
		end = strstr(text, "\r\n\r\n");
		if (end && len >= (size_t)(end + 4 - text) + server_body_length(text))
			return text;
	}
	free(text);
	return NULL;
}

/* Notes the request, and finds its reply. */
static bool server_choose(struct server *srv, char *request, struct server_reply *reply)
{
	bool found = false;
	size_t i;

	pthread_mutex_lock(&srv->lock);
	if (srv->nrequests < SERVER_MAX)
		srv->requests[srv->nrequests++] = request;
	else
		free(request);
	for (i = 0; i < srv->nreplies && !found; i++) {
		struct server_reply *r = &srv->replies[i];

		if (r->left == 0 || (r->match && !strstr(request, r->match)))
			continue;
		r->left--;
		*reply = *r;
		found = true;
	}
	pthread_mutex_unlock(&srv->lock);
	return found;
}

static void server_end_reply(int fd, enum server_end end)
{
	static const char more[4096] = {'x'};
	struct linger now = {1, 0};
	char byte;

	if (end == SERVE_STALL)
		while (recv(fd, &byte, 1, 0) > 0)
			;
	if (end == SERVE_ENDLESS)
		while (server_send(fd, more, sizeof more))
			;
	if (end == SERVE_RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void *server_serve(void *arg)
{
	struct server_connection *c = arg;
	struct server_reply reply = {.end = SERVE_KEEP};
	char *request;
	int fd = c->fd;

	while (reply.end == SERVE_KEEP && (request = server_read(fd))) {
		if (!server_choose(c->srv, request, &reply))
			break;
		if (!server_send(fd, reply.data, reply.len))
			break;
		server_end_reply(fd, reply.end);
	}
	pthread_mutex_lock(&c->srv->lock);
	c->fd = -1;
	c->srv->open--;
	close(fd);
	pthread_mutex_unlock(&c->srv->lock);
	return NULL;
}

/* --- the listener --------------------------------------------------------------------- */

static bool server_take(struct server *srv, int fd)
{
	struct server_connection *c;
	bool taken = false;

	pthread_mutex_lock(&srv->lock);
	if (!srv->stopping && srv->nconnections < SERVER_MAX) {
		c = &srv->connections[srv->nconnections++];
		c->srv = srv;
		c->fd = fd;
		srv->open++;
		if (srv->open > srv->most)
			srv->most = srv->open;
		pthread_create(&c->thread, NULL, server_serve, c);
		taken = true;
	}
	pthread_mutex_unlock(&srv->lock);
	return taken;
}

static void *server_listen(void *arg)
{
	struct server *srv = arg;
	int fd;

	while ((fd = accept(srv->fd, NULL, NULL)) >= 0)
		if (!server_take(srv, fd))
			close(fd);
	return NULL;
}

static void server_start(struct server *srv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;

	memset(srv, 0, sizeof *srv);
	pthread_mutex_init(&srv->lock, NULL);
	srv->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (srv->fd < 0 || bind(srv->fd, (struct sockaddr *)&at, len) != 0 ||
		listen(srv->fd, 64) != 0 ||
		getsockname(srv->fd, (struct sockaddr *)&at, &len) != 0) {
		perror("server.h");
		exit(1);
	}
	srv->port = ntohs(at.sin_port);
	pthread_create(&srv->thread, NULL, server_listen, srv);
}

static void server_stop(struct server *srv)
{
	size_t i;

	pthread_mutex_lock(&srv->lock);
	srv->stopping = true;
	for (i = 0; i < srv->nconnections; i++)
		if (srv->connections[i].fd >= 0)
			shutdown(srv->connections[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&srv->lock);
	shutdown(srv->fd, SHUT_RDWR);
	pthread_join(srv->thread, NULL);
	for (i = 0; i < srv->nconnections; i++)
		pthread_join(srv->connections[i].thread, NULL);
	close(srv->fd);
	for (i = 0; i < srv->nreplies; i++) {
		free(srv->replies[i].match);
		free(srv->replies[i].data);
	}
	for (i = 0; i < srv->nrequests; i++)
		free(srv->requests[i]);
	pthread_mutex_destroy(&srv->lock);
}

/* --- what a test says and asks ---------------------------------------------------------- */

/* The next reply, of any bytes, given so many times; `match` NULL is for any request. */
static void server_bytes(struct server *srv, const char *match, enum server_end end,
	unsigned times, const void *data, size_t len)
{
	struct server_reply r = {.len = len, .end = end, .left = times};

	r.match = match ? strdup(match) : NULL;
	r.data = malloc(len + 1);
	memcpy(r.data, data, len);
	pthread_mutex_lock(&srv->lock);
	srv->replies[srv->nreplies++] = r;
	pthread_mutex_unlock(&srv->lock);
}

/* The same for one formatted text, given once. A connection that closes says so in its head,
 * else the client may take it for the next request just before. */
__attribute__((format(printf, 4, 5))) static inline void server_reply(
	struct server *srv, const char *match, enum server_end end, const char *fmt, ...)
{
	static const char closing[] = "Connection: close\r\n";
	char *text = NULL, *whole = NULL, *rest;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	rest = end == SERVE_CLOSE ? strstr(text, "\r\n") : NULL;
	rest = rest ? rest + 2 : text;
	if (asprintf(&whole, "%.*s%s%s", (int)(rest - text), text, rest > text ? closing : "",
		    rest) < 0)
		abort();
	server_bytes(srv, match, end, 1, whole, strlen(whole));
	free(whole);
	free(text);
}

static inline size_t server_count(struct server *srv)
{
	size_t n;

	pthread_mutex_lock(&srv->lock);
	n = srv->nrequests;
	pthread_mutex_unlock(&srv->lock);
	return n;
}

/* Whether the request number `i`, from 0, has `text` in it. */
static inline bool server_asked(struct server *srv, size_t i, const char *text)
{
	bool has;

	pthread_mutex_lock(&srv->lock);
	has = i < srv->nrequests && strstr(srv->requests[i], text);
	pthread_mutex_unlock(&srv->lock);
	return has;
}

#endif
