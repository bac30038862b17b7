/* How long one exchange takes a program that has nothing between itself and libpcsclite.
 *
 * exchanges READER COUNT SELECT COMMAND: sends SELECT (hex) once, then COMMAND (hex) COUNT times;
 * prints the microseconds of each, a line each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

static size_t unhex(const char *text, unsigned char *bytes)
{
    size_t n = 0;
    for (; text[0] && text[1]; text += 2, n++) {
        unsigned int byte;
        if (sscanf(text, "%2x", &byte) != 1) exit(64);
        bytes[n] = (unsigned char)byte;
    }
    return n;
}

static void transmit(SCARDHANDLE card, const SCARD_IO_REQUEST *header, const unsigned char *command, size_t size)
{
    unsigned char answer[65538];
    DWORD length = sizeof answer;
    if (SCardTransmit(card, header, command, size, NULL, answer, &length) != SCARD_S_SUCCESS) exit(1);
    if (length < 2 || answer[length - 2] != 0x90) exit(2);
}

int main(int argc, char **argv)
{
    SCARDCONTEXT context;
    SCARDHANDLE card;
    DWORD protocol;
    unsigned char select[256], command[256];
    if (argc != 5) return 64;
    size_t select_size = unhex(argv[3], select), size = unhex(argv[4], command);
    if (SCardEstablishContext(SCARD_SCOPE_USER, NULL, NULL, &context) != SCARD_S_SUCCESS) return 69;
    if (SCardConnect(context, argv[1], SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card, &protocol)
        != SCARD_S_SUCCESS) return 69;
    const SCARD_IO_REQUEST *header = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
    transmit(card, header, select, select_size);
    for (int left = atoi(argv[2]); left > 0; left--) {
        struct timespec begun, ended;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        transmit(card, header, command, size);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        printf("%.1f\n", (ended.tv_sec - begun.tv_sec) * 1e6 + (ended.tv_nsec - begun.tv_nsec) / 1e3);
    }
    SCardDisconnect(card, SCARD_UNPOWER_CARD);
    SCardReleaseContext(context);
    return 0;
}
