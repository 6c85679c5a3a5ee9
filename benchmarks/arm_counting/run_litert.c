/* Runs a .tflite file N times by LiteRT's C library on the CPU: run_litert libLiteRt.so FILE N.

The functions are those of litert/c/, as libLiteRt.so of ai-edge-litert 2.3 exports them. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef void *Handle;

static void *library;

static void *named(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "no %s\n", name);
        exit(2);
    }
    return found;
}

static void check(int status, const char *what) {
    if (status) {
        fprintf(stderr, "%s: status %d\n", what, status);
        exit(3);
    }
}

#define CALL(name, ...) check(((int (*)())named(name))(__VA_ARGS__), name)

static Handle buffer(Handle environment, Handle model, Handle tensor, int taken, size_t number) {
    char type[256] = {0}; /* LiteRtRankedTensorType, which is smaller */
    Handle requirements, made;
    void *place;
    size_t size;
    CALL("LiteRtGetRankedTensorType", tensor, type);
    CALL(taken ? "LiteRtGetCompiledModelInputBufferRequirements"
               : "LiteRtGetCompiledModelOutputBufferRequirements",
         model, (size_t)0, number, &requirements);
    CALL("LiteRtCreateManagedTensorBufferFromRequirements", environment, type, requirements, &made);
    if (taken) {
        CALL("LiteRtGetTensorBufferSize", made, &size);
        CALL("LiteRtLockTensorBuffer", made, &place, 1 /* write */);
        memset(place, 0, size);
        for (size_t i = 0; i + 4 <= size && ((int *)type)[0] == 1; i += 4)
            *(float *)((char *)place + i) = (float)(i * 2654435761u % 1000) / 1000;
        CALL("LiteRtUnlockTensorBuffer", made);
    }
    return made;
}

int main(int argc, char **argv) {
    Handle environment, model, options, compiled, signature, tensor;
    Handle taken[16], given[16];
    size_t inputs, outputs;
    if (argc != 4 || !(library = dlopen(argv[1], RTLD_NOW))) {
        fprintf(stderr, "run_litert libLiteRt.so FILE N; %s\n", argc == 4 ? dlerror() : "");
        return 1;
    }
    CALL("LiteRtCreateEnvironment", 0, NULL, &environment);
    CALL("LiteRtCreateModelFromFile", environment, argv[2], &model);
    CALL("LiteRtCreateOptions", &options);
    CALL("LiteRtSetOptionsHardwareAccelerators", options, 1 /* CPU */);
    CALL("LiteRtCreateCompiledModel", environment, model, options, &compiled);
    CALL("LiteRtGetModelSignature", model, (size_t)0, &signature);
    CALL("LiteRtGetNumSignatureInputs", signature, &inputs);
    CALL("LiteRtGetNumSignatureOutputs", signature, &outputs);
    if (inputs > 16 || outputs > 16) return 4;
    for (size_t i = 0; i < inputs; i++) {
        CALL("LiteRtGetSignatureInputTensorByIndex", signature, i, &tensor);
        taken[i] = buffer(environment, compiled, tensor, 1, i);
    }
    for (size_t i = 0; i < outputs; i++) {
        CALL("LiteRtGetSignatureOutputTensorByIndex", signature, i, &tensor);
        given[i] = buffer(environment, compiled, tensor, 0, i);
    }
    for (int run = atoi(argv[3]); run > 0; run--) {
        CALL("LiteRtRunCompiledModel", compiled, (size_t)0, inputs, taken, outputs, given);
        syscall(SYS_getppid); /* a mark for count_instructions.c */
    }
    printf("ran\n");
    return 0;
}
