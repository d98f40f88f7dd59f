/* Modules: PTX, translated to C by `python -m tests.emulator.ptx` and loaded as a shared object; machine code is taken, and
   refused when one of its kernels is launched. */
#define _GNU_SOURCE
#include "driver.h"

#include <dlfcn.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static CUmodule modules;

static void name_of(const char *text, size_t length, char name[33]) {
    uint64_t a = 0xcbf29ce484222325u, b = 0x9ae16a3b2f90404fu;
    for (size_t k = 0; k < length; k++) {
        a = (a ^ (unsigned char)text[k]) * 0x100000001b3u;
        b = (b + (unsigned char)text[k] + 1) * 0x9e3779b97f4a7c15u;
        b ^= b >> 29;
    }
    snprintf(name, 33, "%016lx%016lx", a, b);
}

static CUresult translate(const char *source, const char *made) {
    const char *python = getenv("EMULATED_GPU_PYTHON"), *root = getenv("EMULATED_GPU_ROOT");
    char *words[] = {(char *)(python ? python : "python3"), "-S", "-m", "tests.emulator.ptx", (char *)source, (char *)made, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (root) posix_spawn_file_actions_addchdir_np(&actions, root);
    pid_t child;
    int status = posix_spawnp(&child, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (status || waitpid(child, &status, 0) != child || status) {
        tell("%s could not be translated", source);
        return CUDA_ERROR_INVALID_PTX;
    }
    return CUDA_SUCCESS;
}

static CUresult library_of(const char *text, char *path, size_t room) {
    size_t length = strlen(text);
    char name[33], source[4096], fresh[4096];
    const char *folder = getenv("EMULATED_GPU_CACHE");
    name_of(text, length, name);
    if (!folder) folder = "/tmp";
    snprintf(path, room, "%s/%s.so", folder, name);
    if (!access(path, R_OK)) return CUDA_SUCCESS;
    snprintf(source, sizeof source, "%s/%s.%d.ptx", folder, name, getpid());
    snprintf(fresh, sizeof fresh, "%s/%s.%d.so", folder, name, getpid());
    FILE *file = fopen(source, "w");
    if (!file || fwrite(text, 1, length, file) != length || fclose(file)) return CUDA_ERROR_OPERATING_SYSTEM;
    CUresult result = translate(source, fresh);
    if (!result && rename(fresh, path)) result = CUDA_ERROR_OPERATING_SYSTEM;
    if (!result) unlink(source);
    return result;
}

/* A library for a module. One that another module has is opened as a file of its own, so that its variables are, too,
   unless no file can be written. */
static void *open_library(const char *path) {
    static unsigned copies;
    char copy[4200], buffer[1 << 16];
    void *code = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (!code) return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    snprintf(copy, sizeof copy, "%s.%d.%u", path, getpid(), copies++);
    FILE *from = fopen(path, "r"), *to = fopen(copy, "w");
    int whole = from && to;
    for (size_t count; whole && (count = fread(buffer, 1, sizeof buffer, from)) > 0;)
        whole = fwrite(buffer, 1, count, to) == count;
    if (from) fclose(from);
    if (to && fclose(to)) whole = 0;
    void *own = whole ? dlopen(copy, RTLD_NOW | RTLD_LOCAL) : NULL;
    unlink(copy);
    if (!own) return code;
    dlclose(code);
    return own;
}

CUresult load_image(CUmodule *module, const void *image) {
    const char *text = image;
    CUmodule made = calloc(1, sizeof *made);
    made->context = current();
    unsigned magic;
    memcpy(&magic, image, sizeof magic);
    int machine = magic == 0x464c457f /* ELF */ || magic == 0xba55ed50 || magic == 0x466243b1 /* fat binaries */;
    if (!machine) {
        char path[4096];
        CUresult result = library_of(text, path, sizeof path);
        if (!result && !(made->code = open_library(path))) {
            tell("%s", dlerror());
            result = CUDA_ERROR_INVALID_IMAGE;
        }
        if (result) return free(made), result;
        made->kernels = dlsym(made->code, "emulated_kernels");
        const unsigned *count = dlsym(made->code, "emulated_kernel_count");
        made->count = count && made->kernels ? *count : 0;
    }
    made->next = modules;
    modules = made;
    *module = made;
    return CUDA_SUCCESS;
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    GUARD;
    CUresult result = usable();
    if (!result) result = unsafe();
    return result ? result : load_image(module, image);
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
    (void)count, (void)options, (void)values;
    return cuModuleLoadData(module, image);
}

CUresult cuModuleLoadFatBinary(CUmodule *module, const void *image) { return cuModuleLoadData(module, image); }

CUresult cuModuleUnload(CUmodule module) {
    GUARD;
    if (!module || module->unloaded) return CUDA_ERROR_INVALID_HANDLE;
    finish_all();
    module->unloaded = 1; /* it stays, so that a launch of its kernels is told */
    return CUDA_SUCCESS;
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) { return *mode = CU_MODULE_EAGER_LOADING, CUDA_SUCCESS; }

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    GUARD;
    if (!module || module->unloaded) return CUDA_ERROR_INVALID_HANDLE;
    for (CUfunction each = module->functions; each; each = each->next)
        if (!strcmp(each->name, name)) return *function = each, CUDA_SUCCESS;
    const struct emulated_kernel *kernel = NULL;
    for (unsigned k = 0; k < module->count; k++)
        if (!strcmp(module->kernels[k].name, name)) kernel = &module->kernels[k];
    if (module->code && !kernel) return CUDA_ERROR_NOT_FOUND;
    CUfunction made = calloc(1, sizeof *made);
    *made = (struct CUfunc_st){module, kernel, strdup(name), 48 << 10, module->functions};
    module->functions = made;
    *function = made;
    return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal(CUdeviceptr *address, size_t *bytes, CUmodule module, const char *name) {
    GUARD;
    char text[4096];
    snprintf(text, sizeof text, "emulated_size_%s", name);
    void *found = module && module->code ? dlsym(module->code, name) : NULL;
    const unsigned long *size = found ? dlsym(module->code, text) : NULL;
    if (!size) return CUDA_ERROR_NOT_FOUND;
    note_allocation(found, *size, module->context->device);
    if (address) *address = (CUdeviceptr)found;
    if (bytes) *bytes = *size;
    return CUDA_SUCCESS;
}

/* Libraries of the runtime: a module that is of no context. */
CUresult cuLibraryLoadData(CUlibrary *library, const void *image, CUjit_option *options, void **values, unsigned count,
                           CUlibraryOption *more, void **more_values, unsigned more_count) {
    GUARD;
    (void)options, (void)values, (void)count, (void)more, (void)more_values, (void)more_count;
    CUmodule module;
    CUresult result = load_image(&module, image);
    if (!result) module->context = NULL;
    *library = (CUlibrary)module;
    return result;
}
CUresult cuLibraryUnload(CUlibrary library) { return cuModuleUnload((CUmodule)library); }
CUresult cuLibraryGetModule(CUmodule *module, CUlibrary library) { return *module = (CUmodule)library, CUDA_SUCCESS; }
CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name) {
    return cuModuleGetFunction((CUfunction *)kernel, (CUmodule)library, name);
}
CUresult cuKernelGetFunction(CUfunction *function, CUkernel kernel) { return *function = (CUfunction)kernel, CUDA_SUCCESS; }
