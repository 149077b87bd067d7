#!/bin/sh
echo "shop @VERSION@ is open"
