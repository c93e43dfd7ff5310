# filled in with packaging
