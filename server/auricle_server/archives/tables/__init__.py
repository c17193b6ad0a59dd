"""What an archive is written to: tables of transcripts and failures, in parts that appear whole."""
