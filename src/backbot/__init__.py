"""backbot answers questions about back pain from a publisher's articles, sentence by sentence."""
