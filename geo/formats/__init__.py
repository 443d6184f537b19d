"""Reading files of any common format as streams of Arrow batches."""
