"""Objects by their URI, through the file systems that Spark itself reads with."""

import json

from .errors import NotFound


class Storage:
    """What Hadoop can open: `s3://…` on EMR, a path on a laptop."""

    def __init__(self, spark):
        self.jvm = spark._jvm
        self.conf = spark._jsc.hadoopConfiguration()

    def _path(self, uri):
        path = self.jvm.org.apache.hadoop.fs.Path(uri)
        return path.getFileSystem(self.conf), path

    def status(self, uri):
        """The URI as Spark tells it of a row, and the size."""
        files, path = self._path(uri)
        if not files.exists(path):
            raise NotFound(f"'{uri}' does not exist: is it the object's full URI?")
        found = files.getFileStatus(path)
        return found.getPath().toUri().toString(), found.getLen()

    def exists(self, uri):
        files, path = self._path(uri)
        return files.exists(path)

    def head(self, uri, length):
        """The first bytes."""
        files, path = self._path(uri)
        stream = files.open(path)
        try:
            return bytes(stream.readNBytes(length))
        finally:
            stream.close()

    def text(self, uri):
        self.status(uri)
        return self.head(uri, 1 << 30).decode("utf-8")

    def write(self, uri, text):
        """Writes beside and renames: whoever sees the object sees all of it."""
        files, path = self._path(uri)
        beside = self.jvm.org.apache.hadoop.fs.Path(path.getParent(), "_" + path.getName())
        stream = files.create(beside, True)
        try:
            stream.write(bytearray(text.encode("utf-8")))
        finally:
            stream.close()
        self.delete(uri)
        files.rename(beside, path)

    def write_json(self, uri, value):
        self.write(uri, json.dumps(value, indent=2, ensure_ascii=False))

    def delete(self, uri):
        files, path = self._path(uri)
        files.delete(path, True)

    def make_folder(self, uri):
        files, path = self._path(uri)
        files.mkdirs(path)

    def names(self, uri):
        """Names in a folder."""
        files, path = self._path(uri)
        return sorted(found.getPath().getName() for found in files.listStatus(path))

    def rename(self, before, after):
        files, path = self._path(before)
        if not files.rename(path, self.jvm.org.apache.hadoop.fs.Path(after)):
            raise NotFound(f"'{before}' could not be renamed to '{after}'")

    def copy(self, source, to):
        files, path = self._path(source)
        self.jvm.org.apache.hadoop.fs.FileUtil.copy(
            files, path, files, self.jvm.org.apache.hadoop.fs.Path(to), False, self.conf
        )
