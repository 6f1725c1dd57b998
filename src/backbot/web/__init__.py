"""One server: the chat page, the articles, the API and the widget. Alone knows FastAPI, uvicorn and Gradio."""
