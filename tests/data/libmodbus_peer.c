/* A second opinion for the tests: libmodbus as a server and as a client, on TCP and RTU.
 *
 *   libmodbus_peer server tcp PORT         (0: any; prints "ready PORT")
 *   libmodbus_peer server rtu TTY UNIT     (prints "ready")
 *   libmodbus_peer client tcp PORT UNIT
 *   libmodbus_peer client rtu TTY UNIT
 *   libmodbus_peer host tcp|rtu PORT|TTY UNIT INPUTS SETPOINT CODE ARGUMENT
 *
 * The register map both sides know: ir0-19 hold 100 + address; from ir20 on 71.25 as a float in the byte orders ABCD,
 * CDAB, BADC and DCBA; ir28 a NaN (7FA0 0000); ir30 -32768; di k is on where k is a multiple of 3; hr and co (64 each)
 * are free and start at 0. RTU runs at 115200 8N1. The client prints one line a step, and ends with 0 when all steps ran.
 * The host is one of the simulated PLCs': it reads INPUTS input registers, takes the line, writes 615 into the holding
 * register SETPOINT, gives the command CODE with ARGUMENT (0: none) by the handshake, and waits for the acknowledgement.
 *
 * Build: cc -Wall -Wextra -Werror -o libmodbus_peer libmodbus_peer.c $(pkg-config --cflags --libs libmodbus)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT 64
#define BAUD 115200

static modbus_t *context(const char *wire, const char *where, int unit)
{
    modbus_t *ctx = strcmp(wire, "tcp") == 0 ? modbus_new_tcp("127.0.0.1", atoi(where))
                                             : modbus_new_rtu(where, BAUD, 'N', 8, 1);
    if (ctx == NULL || modbus_set_slave(ctx, unit) == -1) {
        fprintf(stderr, "%s %s: %s\n", wire, where, modbus_strerror(errno));
        exit(2);
    }
    return ctx;
}

static modbus_mapping_t *known_registers(void)
{
    modbus_mapping_t *map = modbus_mapping_new(COUNT, COUNT, COUNT, COUNT);
    if (map == NULL)
        exit(2);
    for (int k = 0; k < 20; k++)
        map->tab_input_registers[k] = (uint16_t) (100 + k);
    /* 71.25 is 428E8000; written out, for modbus_set_float_abcd() of libmodbus 3.1.6 swaps the bytes on a PC */
    static const uint16_t floats[8] = {0x428E, 0x8000, 0x8000, 0x428E, 0x8E42, 0x0080, 0x0080, 0x8E42};
    memcpy(map->tab_input_registers + 20, floats, sizeof floats);
    map->tab_input_registers[28] = 0x7FA0;
    map->tab_input_registers[30] = 0x8000;
    for (int k = 0; k < COUNT; k += 3)
        map->tab_input_bits[k] = 1;
    return map;
}

/* Answer until the other side goes away. */
static void answer(modbus_t *ctx, modbus_mapping_t *map, int rtu)
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH > MODBUS_TCP_MAX_ADU_LENGTH ? MODBUS_RTU_MAX_ADU_LENGTH
                                                                        : MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(ctx, query);
        if (length > 0)
            modbus_reply(ctx, query, length, map);
        else if (length == -1 && !(rtu && (errno == EMBBADCRC || errno == ETIMEDOUT || errno == EMBBADDATA)))
            return;
    }
}

static int serve(const char *wire, const char *where, int unit)
{
    modbus_t *ctx = context(wire, where, unit);
    modbus_mapping_t *map = known_registers();
    if (strcmp(wire, "rtu") == 0) {
        if (modbus_connect(ctx) == -1) {
            fprintf(stderr, "%s: %s\n", where, modbus_strerror(errno));
            return 2;
        }
        printf("ready\n");
        fflush(stdout);
        answer(ctx, map, 1);
        return 0;
    }
    int listener = modbus_tcp_listen(ctx, 1);
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    if (listener == -1 || getsockname(listener, (struct sockaddr *) &bound, &size) == -1) {
        fprintf(stderr, "port %s: %s\n", where, modbus_strerror(errno));
        return 2;
    }
    printf("ready %d\n", ntohs(bound.sin_port));
    fflush(stdout);
    while (modbus_tcp_accept(ctx, &listener) != -1) {
        answer(ctx, map, 0);
        modbus_close(ctx);
    }
    return 0;
}

/* Print what a step brought: its values, or what libmodbus calls its failure. */
static int told(const char *step, int got, const uint16_t *words, int count)
{
    printf("%s", step);
    if (got == -1)
        printf(" failed: %s", modbus_strerror(errno));
    for (int k = 0; got != -1 && k < count; k++)
        printf(" %u", words[k]);
    printf("\n");
    return got == -1;
}

static int told_bits(const char *step, int got, const uint8_t *bits, int count)
{
    uint16_t words[COUNT];
    for (int k = 0; k < count; k++)
        words[k] = bits[k];
    return told(step, got, words, count);
}

static int read_all(modbus_t *ctx)
{
    uint16_t words[COUNT];
    uint8_t bits[COUNT];
    int failures = told("ir0", modbus_read_input_registers(ctx, 0, 20, words), words, 20);
    failures += told_bits("di0", modbus_read_input_bits(ctx, 0, 10, bits), bits, 10);
    int got = modbus_read_input_registers(ctx, 20, 11, words);
    failures += got == -1;
    printf("floats %g %g %g %g nan %g\n", modbus_get_float_abcd(words), modbus_get_float_cdab(words + 2),
           modbus_get_float_badc(words + 4), modbus_get_float_dcba(words + 6), modbus_get_float_abcd(words + 8) * 0);
    printf("sentinel %d\n", (int16_t) words[10]);
    return failures;
}

static int write_all(modbus_t *ctx)
{
    uint16_t words[COUNT] = {700, 701, 702, 703};
    uint8_t bits[COUNT] = {1, 0, 1, 1, 0, 1, 1, 1, 1};
    int failures = told("write6", modbus_write_register(ctx, 5, 55), words, 0);
    failures += told("write16", modbus_write_registers(ctx, 10, 4, words), words, 0);
    failures += told("mask22", modbus_mask_write_register(ctx, 5, 0x00F2, 0x0025), words, 0);
    failures += told("hr5", modbus_read_registers(ctx, 5, 1, words), words, 1);
    failures += told("hr10", modbus_read_registers(ctx, 10, 4, words), words, 4);
    uint16_t put[2] = {9, 8};
    failures += told("both23", modbus_write_and_read_registers(ctx, 11, 2, put, 10, 4, words), words, 4);
    failures += told("write5", modbus_write_bit(ctx, 3, 1), words, 0);
    failures += told_bits("co3", modbus_read_bits(ctx, 3, 2, bits + COUNT / 2), bits + COUNT / 2, 2);
    failures += told("write15", modbus_write_bits(ctx, 20, 9, bits), words, 0);
    failures += told_bits("co20", modbus_read_bits(ctx, 20, 10, bits), bits, 10);
    return failures;
}

static int ask(const char *wire, const char *where, int unit)
{
    modbus_t *ctx = context(wire, where, unit);
    if (modbus_connect(ctx) == -1) {
        fprintf(stderr, "%s %s: %s\n", wire, where, modbus_strerror(errno));
        return 2;
    }
    modbus_set_response_timeout(ctx, 2, 0);
    uint16_t words[COUNT];
    int failures = read_all(ctx) + write_all(ctx);
    told("missing", modbus_read_input_registers(ctx, 5000, 1, words), words, 1);
    failures += told("after", modbus_read_input_registers(ctx, 1, 1, words), words, 1);
    modbus_close(ctx);
    modbus_free(ctx);
    return failures > 0;
}

/* Beat the heart, until the PLC has acknowledged command 1, 5 s at most. */
static int acknowledged(modbus_t *ctx)
{
    uint16_t words[2];
    for (int k = 2; k < 50; k++) {
        if (modbus_write_register(ctx, 30, k) == -1 || modbus_read_input_registers(ctx, 5, 2, words) == -1)
            break;
        if (words[0] == 1 && words[1] != 0)
            return told("acknowledged", 2, words, 2);
        usleep(100000);
    }
    return told("acknowledged", -1, words, 0);
}

static int host(const char *wire, const char *where, int unit, char **figures)
{
    int inputs = atoi(figures[0]), setpoint = atoi(figures[1]), argument = atoi(figures[3]);
    modbus_t *ctx = context(wire, where, unit);
    if (modbus_connect(ctx) == -1 || inputs > MODBUS_MAX_READ_REGISTERS) {
        fprintf(stderr, "%s %s: %s\n", wire, where, modbus_strerror(errno));
        return 2;
    }
    modbus_set_response_timeout(ctx, 2, 0);
    uint16_t words[MODBUS_MAX_READ_REGISTERS], command[3] = {(uint16_t) atoi(figures[2]), 1, 7};
    int failures = told("inputs", modbus_read_input_registers(ctx, 0, inputs, words), words, inputs);
    failures += told("owner", modbus_write_register(ctx, 31, 7), words, 0);
    failures += told("heartbeat", modbus_write_register(ctx, 30, 1), words, 0);
    failures += told("write", modbus_write_register(ctx, setpoint, 615), words, 0);
    failures += told("setpoint", modbus_read_registers(ctx, setpoint, 1, words), words, 1);
    if (argument)
        failures += told("argument", modbus_write_register(ctx, 3, argument), words, 0);
    failures += told("command", modbus_write_registers(ctx, 0, 3, command), words, 0);
    failures += acknowledged(ctx);
    modbus_close(ctx);
    modbus_free(ctx);
    return failures > 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "server") == 0)
        return serve(argv[2], argv[3], argc > 4 ? atoi(argv[4]) : 2);
    if (argc >= 5 && strcmp(argv[1], "client") == 0)
        return ask(argv[2], argv[3], atoi(argv[4]));
    if (argc == 9 && strcmp(argv[1], "host") == 0)
        return host(argv[2], argv[3], atoi(argv[4]), argv + 5);
    fprintf(stderr, "usage: %s server|client tcp|rtu PORT|TTY [UNIT]\n", argv[0]);
    return 2;
}
