"""Puts a link in the place of a file or folder and takes it away again, without end."""
import os, sys

path, target = sys.argv[1:]
real, link = path + ".real", path + ".link"
os.symlink(target, link)
print("swapping", flush=True)
while os.getppid() != 1:
    try:
        os.rename(path, real)
        os.rename(link, path)
        os.rename(path, link)
        os.rename(real, path)
    except FileNotFoundError:
        # The program had the name just then, or made another file.
        for there, name in ((real, path), (path, link)):
            if not os.path.lexists(name) and os.path.lexists(there):
                try:
                    os.rename(there, name)
                except OSError:
                    pass
        if not os.path.lexists(link):
            os.symlink(target, link)
    except OSError:
        pass
