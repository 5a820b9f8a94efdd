// SPDX-License-Identifier: MIT

// The peer Go: package net, a goroutine for each connection.
//
// usage: go echo|lines|churn [BUFFER]
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

const request = 64

func echo(client net.Conn, size int) {
	data := make([]byte, size)
	for {
		n, err := client.Read(data)
		if err != nil {
			return
		}
		if _, err = client.Write(data[:n]); err != nil {
			return
		}
	}
}

func lines(client net.Conn) {
	reader := bufio.NewReader(client)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		if _, err = fmt.Fprintf(client, "OK...%s", line); err != nil {
			return
		}
	}
}

func churn(client net.Conn) {
	data := make([]byte, request)
	if _, err := io.ReadFull(client, data); err == nil {
		client.Write(data)
	}
}

func serve(client net.Conn, mode string, size int) {
	defer client.Close()
	switch mode {
	case "lines":
		lines(client)
	case "churn":
		churn(client)
	default:
		echo(client, size)
	}
}

func main() {
	mode, size := "echo", 512
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if len(os.Args) > 2 {
		size, _ = strconv.Atoi(os.Args[2])
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		client, err := listener.Accept()
		if err != nil {
			continue
		}
		go serve(client, mode, size)
	}
}
