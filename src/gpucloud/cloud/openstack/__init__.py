"""An OpenStack cloud, reached through its APIs: configuration and sessions are openstacksdk's."""
