"""What several tests lean on: real data that lives outside the project, loopback servers, small builders."""
