/* The one program of the `pause` and `distroless` images: there is no shell beside it.
 *
 * Waits for SIGTERM and reaps orphans, as PID 1 of a pod has to. With a port as its argument it
 * also listens there (TCP, IPv4 and IPv6) and greets whoever connects.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signal) {
    (void)signal;
    _exit(0);
}

static void reap(int signal) {
    (void)signal;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static int listener(int port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) || listen(fd, 16)) {
        _exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    static const char greeting[] = "hello\n";
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    signal(SIGCHLD, reap);
    int fd = argc > 1 ? listener(atoi(argv[1])) : -1;
    for (;;) {
        if (fd < 0) {
            pause();
            continue;
        }
        int client = accept(fd, NULL, NULL);
        if (client >= 0) {
            (void)!write(client, greeting, sizeof greeting - 1);
            close(client);
        }
    }
}
