"""What Teams is given to install Dealdesk: the manifest, the icons and the package of both."""
