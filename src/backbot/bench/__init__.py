"""Speed and memory against the stock LangChain pipeline: same articles, same model, same questions, one run."""
