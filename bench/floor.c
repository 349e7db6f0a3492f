/*
 * floor: the least that fetching an image can take, to measure hocker-image against.
 *
 * Reads blobs from a registry over plain HTTP, one connection a thread, inflates them,
 * hashes what was stored and what is in it, and writes it into one file, each layer at
 * its place. No TLS, no tokens, no tar, no retries, no limits. Two threads share the
 * work: each has a layer, the largest first, and who finds none left lends a hand with
 * the other's.
 *
 *     floor [-c|-k] PORT OUT PATH,SIZE,DIGEST,CONTENT,DIFFID ...
 *
 * PATH is the blob's on 127.0.0.1:PORT; SIZE and CONTENT are bytes as stored and
 * unpacked, DIGEST and DIFFID their sha256 in hex, and a fault if they are others. -c:
 * layers stay compressed, and nothing is inflated; -k: they stay compressed and are
 * inflated all the same, for the sake of DIFFID alone.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef HK_WITH_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#define THREADS 2
#define BLOCK	(256 << 10) /* with its neighbour still in a core's own cache */
#define SLOTS	8
#define MIN_FIRST                                                                        \
	64     /* a gzip header that comes in pieces is more than ISA-L can read         \
		*/
#define HEX 65 /* of a sha256, with the zero */

struct layer {
	char *path;
	int64_t size, content; /* stored, and unpacked */
	char digest[HEX], diff_id[HEX];
	off_t offset; /* in the output */
};

/* Blocks from one step to the next: [head, tail) are full. */
struct ring {
	struct {
		unsigned char data[BLOCK];
		size_t len;
	} slot[SLOTS];
	unsigned head, tail;
};

/* A layer under way. Any thread may do any step that is ready and that nobody is at. */
struct line {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	struct layer *layer; /* NULL: none, and none will come */
	int socket;
	struct ring in, out;
	bool reading, inflating, writing; /* somebody is at it */
	int64_t left;			  /* not yet read */
	size_t eaten;			  /* of the first full slot of `in` */
	bool inflated;
	off_t at; /* where the next write goes */
	EVP_MD_CTX *stored, *unpacked;
#ifdef HK_WITH_ISAL
	struct inflate_state state;
#else
	z_stream state;
#endif
};

static struct line lines[THREADS];
static struct layer *layers;
static int nlayers, taken;
static pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;
static enum { UNPACK, KEEP, KEEP_CHECKED } mode;
static int port, output;

static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("floor: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

/* --- http
 * --------------------------------------------------------------------------------- */

static int dial(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("cannot connect to port %d", port);
	return fd;
}

static void put(struct line *l, const unsigned char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = pwrite(output, data, len, l->at);

		if (n < 0)
			die("cannot write");
		data += n;
		l->at += n;
		len -= (size_t)n;
	}
}

static void receive(struct line *l, const unsigned char *data, size_t len)
{
	EVP_DigestUpdate(l->stored, data, len);
	if (mode == KEEP_CHECKED)
		put(l, data, len);
}

/* Sends the request, reads the head of the answer, and keeps the beginning of its body.
 */
static void request(struct line *l)
{
	char *head = (char *)l->in.slot[0].data, *end = NULL;
	char text[1024];
	size_t len = 0;
	int n = snprintf(text, sizeof text,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", l->layer->path, port);

	if (n >= (int)sizeof text || send(l->socket, text, (size_t)n, MSG_NOSIGNAL) != n)
		die("%s: cannot send the request", l->layer->path);
	while (!end) {
		ssize_t got = recv(l->socket, head + len, BLOCK - 1 - len, 0);

		if (got <= 0)
			die("%s: no answer", l->layer->path);
		len += (size_t)got;
		head[len] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	if (strncmp(head, "HTTP/1.1 200 ", 13) != 0)
		die("%s: %.40s", l->layer->path, head);
	len -= (size_t)(end + 4 - head);
	memmove(head, end + 4, len);
	while (len < MIN_FIRST && (int64_t)len < l->layer->size) {
		ssize_t got = recv(l->socket, head + len, MIN_FIRST - len, 0);

		if (got <= 0)
			die("%s: broken off", l->layer->path);
		len += (size_t)got;
	}
	receive(l, l->in.slot[0].data, len);
	l->left = l->layer->size - (int64_t)len;
	l->in.slot[0].len = len;
	l->in.tail = len > 0;
}

/* --- the three steps
 * ---------------------------------------------------------------------- */

static bool is_empty(const struct ring *r)
{
	return r->head == r->tail;
}

static bool is_full(const struct ring *r)
{
	return r->tail - r->head == SLOTS;
}

static void read_block(struct line *l)
{
	unsigned char *data = l->in.slot[l->in.tail % SLOTS].data;
	size_t want = l->left < BLOCK ? (size_t)l->left : BLOCK, len = 0;

	while (len < want) {
		ssize_t got = recv(l->socket, data + len, want - len, 0);

		if (got <= 0)
			die("%s: broken off", l->layer->path);
		len += (size_t)got;
	}
	receive(l, data, len);
	l->in.slot[l->in.tail % SLOTS].len = len;
}

static void start_inflating(struct line *l)
{
#ifdef HK_WITH_ISAL
	isal_inflate_init(&l->state);
	l->state.crc_flag = ISAL_GZIP;
#else
	memset(&l->state, 0, sizeof l->state);
	if (inflateInit2(&l->state, 16 + MAX_WBITS) != Z_OK)
		die("no memory");
#endif
}

/* From one block into another, until one of them is at its end. Returns if all is. */
static bool inflate_block(struct line *l)
{
	unsigned from = l->in.head % SLOTS, to = l->out.tail % SLOTS;
	unsigned char *out = l->out.slot[to].data;
	bool end;

	l->state.next_in = l->in.slot[from].data + l->eaten;
	l->state.avail_in = (uint32_t)(l->in.slot[from].len - l->eaten);
	l->state.next_out = out + l->out.slot[to].len;
	l->state.avail_out = (uint32_t)(BLOCK - l->out.slot[to].len);
#ifdef HK_WITH_ISAL
	if (isal_inflate(&l->state) != ISAL_DECOMP_OK)
		die("%s: not valid gzip", l->layer->path);
	end = l->state.block_state == ISAL_BLOCK_FINISH;
#else
	int rc = inflate(&l->state, Z_NO_FLUSH);

	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		die("%s: not valid gzip", l->layer->path);
	end = rc == Z_STREAM_END;
	if (end)
		inflateEnd(&l->state);
#endif
	l->eaten = l->in.slot[from].len - l->state.avail_in;
	l->out.slot[to].len = BLOCK - l->state.avail_out;
	return end;
}

/* Where the blocks are that are written, or else only hashed. */
static struct ring *last_ring(struct line *l)
{
	return mode == KEEP ? &l->in : &l->out;
}

static void write_block(struct line *l)
{
	struct ring *r = last_ring(l);
	const unsigned char *data = r->slot[r->head % SLOTS].data;
	size_t len = r->slot[r->head % SLOTS].len;

	if (mode != KEEP)
		EVP_DigestUpdate(l->unpacked, data, len);
	if (mode != KEEP_CHECKED)
		put(l, data, len);
}

/* Each returns if there was something to do; the lock is free while it is done. */

static bool try_writing(struct line *l)
{
	struct ring *r = last_ring(l);

	if (l->writing || is_empty(r))
		return false;
	l->writing = true;
	pthread_mutex_unlock(&l->lock);
	write_block(l);
	pthread_mutex_lock(&l->lock);
	r->slot[r->head++ % SLOTS].len = 0;
	l->writing = false;
	return true;
}

static bool try_inflating(struct line *l)
{
	if (l->inflating || l->inflated || is_empty(&l->in) || is_full(&l->out))
		return false;
	l->inflating = true;
	pthread_mutex_unlock(&l->lock);
	bool end = inflate_block(l);
	pthread_mutex_lock(&l->lock);
	bool full = l->out.slot[l->out.tail % SLOTS].len == BLOCK;
	/* Behind a full block the decoder may hold more, and needs no input to give it.
	 */
	if (end || (!full && l->eaten == l->in.slot[l->in.head % SLOTS].len)) {
		l->in.head++;
		l->eaten = 0;
	}
	if (end || full)
		l->out.tail++;
	l->inflated = end;
	l->inflating = false;
	return true;
}

static bool try_reading(struct line *l)
{
	if (l->reading || l->left == 0 || is_full(&l->in))
		return false;
	l->reading = true;
	pthread_mutex_unlock(&l->lock);
	read_block(l);
	pthread_mutex_lock(&l->lock);
	l->left -= (int64_t)l->in.slot[l->in.tail++ % SLOTS].len;
	l->reading = false;
	return true;
}

/* --- the work
 * ----------------------------------------------------------------------------- */

static bool is_done(struct line *l)
{
	if (!l->layer)
		return true;
	return l->left == 0 && is_empty(last_ring(l)) && (mode == KEEP || l->inflated);
}

/* Does what there is to do for a line until its layer is done. */
static void work(struct line *l)
{
	pthread_mutex_lock(&l->lock);
	while (!is_done(l)) {
		if (try_writing(l) || (mode != KEEP && try_inflating(l)) ||
			try_reading(l))
			pthread_cond_broadcast(&l->moved);
		else
			pthread_cond_wait(&l->moved, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
}

static void expect(EVP_MD_CTX *ctx, const char *want, const struct layer *layer)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	char hex[HEX];
	unsigned len;

	EVP_DigestFinal_ex(ctx, md, &len);
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", md[i]);
	if (strcmp(hex, want) != 0)
		die("%s: sha256 %s instead of %s", layer->path, hex, want);
}

static struct layer *take(void)
{
	pthread_mutex_lock(&taking);
	struct layer *next = taken < nlayers ? &layers[taken++] : NULL;
	pthread_mutex_unlock(&taking);
	return next;
}

static bool begin(struct line *l)
{
	pthread_mutex_lock(&l->lock);
	l->layer = take();
	if (l->layer) {
		l->in.head = l->in.tail = l->out.head = l->out.tail = 0;
		l->inflated = false;
		l->at = l->layer->offset;
		EVP_DigestInit_ex(l->stored, EVP_sha256(), NULL);
		EVP_DigestInit_ex(l->unpacked, EVP_sha256(), NULL);
		request(l);
		if (mode != KEEP)
			start_inflating(l);
	}
	pthread_cond_broadcast(&l->moved);
	pthread_mutex_unlock(&l->lock);
	return l->layer != NULL;
}

static void *run(void *arg)
{
	struct line *mine = arg, *other = &lines[mine == &lines[0]];

	mine->socket = dial();
	while (begin(mine)) {
		work(mine);
		expect(mine->stored, mine->layer->digest, mine->layer);
		if (mode != KEEP)
			expect(mine->unpacked, mine->layer->diff_id, mine->layer);
	}
	work(other);
	return NULL;
}

static void parse(struct layer *layer, char *word)
{
	char *comma = strchr(word, ',');

	layer->path = word;
	if (!comma || sscanf(comma, ",%" SCNd64 ",%64[0-9a-f],%" SCNd64 ",%64[0-9a-f]",
			      &layer->size, layer->digest, &layer->content,
			      layer->diff_id) != 4)
		die("%s: not PATH,SIZE,DIGEST,CONTENT,DIFFID", word);
	*comma = '\0';
}

static int larger_first(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	return (x->size < y->size) - (x->size > y->size);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	off_t offset = 0;

	if (argc > 1 && argv[1][0] == '-')
		mode = strcmp(argv[1], "-c") == 0 ? KEEP : KEEP_CHECKED;
	argv += 1 + (mode != UNPACK);
	nlayers = argc - 3 - (mode != UNPACK);
	if (nlayers < 1)
		die("usage: floor [-c|-k] PORT OUT LAYER...");
	port = atoi(argv[0]);
	output = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	layers = calloc((size_t)nlayers, sizeof *layers);
	if (output < 0 || !layers)
		die("%s: cannot be written", argv[1]);
	for (int i = 0; i < nlayers; i++) {
		parse(&layers[i], argv[2 + i]);
		layers[i].offset = offset;
		offset += mode == UNPACK ? layers[i].content : layers[i].size;
	}
	qsort(layers, (size_t)nlayers, sizeof *layers, larger_first);
	for (int i = 0; i < THREADS; i++) {
		pthread_mutex_init(&lines[i].lock, NULL);
		pthread_cond_init(&lines[i].moved, NULL);
		lines[i].stored = EVP_MD_CTX_new();
		lines[i].unpacked = EVP_MD_CTX_new();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, &lines[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (close(output) != 0)
		die("cannot write");
	return 0;
}
