"""A device of verl that is the CPU; Ray is told to pretend as many GPUs as there are workers."""

import contextlib
import types

import torch
from verl.plugin.platform.platform_base import PlatformBase
from verl.plugin.platform.platform_manager import PlatformRegistry

NOTHING = ("max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved")


class _Module(types.ModuleType):
    """Stands where verl looks for torch.cuda."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in NOTHING:
            return lambda *args, **kwargs: 0
        if name == "mem_get_info":
            return lambda *args, **kwargs: (1 << 34, 1 << 34)
        if name in ("get_rng_state", "set_rng_state"):
            return lambda *args, **kwargs: getattr(torch, name)(*args[:1] if name.startswith("set") else ())
        if name == "get_device_name":
            return lambda *args, **kwargs: "CPU"
        return getattr(torch.cpu, name, lambda *args, **kwargs: None)


@PlatformRegistry.register(platform="cpu")
class Cpu(PlatformBase):
    device_name = vendor_name = "cpu"
    device_module = _Module("cpu_in_the_place_of_cuda")

    def is_available(self):
        return True

    def is_platform_available(self, use_smi_check=False):
        return False  # only by name, VERL_PLATFORM=cpu

    def current_device(self):
        return "cpu"

    def device_count(self):
        return 1

    def set_device(self, device_index):
        pass

    def synchronize(self, device_index=None):
        pass

    def manual_seed(self, seed):
        torch.manual_seed(seed)

    manual_seed_all = manual_seed

    def set_allocator_settings(self, settings):
        pass

    def empty_cache(self):
        pass

    def get_device_capability(self, device_index=0):
        return None, None

    def communication_backend_name(self):
        return "gloo"

    def visible_devices_envvar(self):
        return "CUDA_VISIBLE_DEVICES"

    @contextlib.contextmanager
    def nvtx_range(self, msg):
        yield

    def profiler_start(self):
        pass

    def profiler_stop(self):
        pass

    def ray_resource_name(self):
        return "GPU"

    def ray_noset_envvars(self):
        return []

    def is_ipc_supported(self):
        return False

    def cudart(self):
        return None
