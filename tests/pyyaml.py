"""PyYAML. Debian installs it for its own Python; another one that is first on the PATH borrows it.

    from pyyaml import yaml
"""
import sys

try:
    import yaml
except ImportError:
    sys.path.append("/usr/lib/python3/dist-packages")
    import yaml

__all__ = ["yaml"]
